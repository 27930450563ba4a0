#include "sdk/core/gzip.h"

#include <algorithm>
#include <limits>
#include <span>

#include <zlib.h>

#include "sdk/core/bounded_buffer.h"

namespace trapline::core {
namespace {

constexpr int kWindowBits = 15;
constexpr int kGzipWrapper = 16;

/// zlib counts input and output in 32 bits.
uInt chunk_size(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

Bytef* input_pointer(std::string_view bytes, std::size_t offset) {
  // zlib's interface is not const-correct; it does not write to its input.
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data() + offset));
}

/// RFC 1950: the first two bytes are a multiple of 31 and name method 8.
bool has_zlib_header(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const unsigned first = static_cast<unsigned char>(bytes[0]);
  const unsigned second = static_cast<unsigned char>(bytes[1]);
  return (first & 0x0FU) == 8 && (first * 256 + second) % 31 == 0;
}

int window_bits(std::string_view bytes, DeflateFormat format) {
  if (format == DeflateFormat::kGzip) return kWindowBits + kGzipWrapper;
  return has_zlib_header(bytes) ? kWindowBits : -kWindowBits;
}

/// An inflating z_stream that frees itself.
class InflateStream {
 public:
  explicit InflateStream(int bits) : is_ready_(inflateInit2(&stream_, bits) == Z_OK) {}
  ~InflateStream() {
    if (is_ready_) inflateEnd(&stream_);
  }
  InflateStream(const InflateStream&) = delete;
  InflateStream& operator=(const InflateStream&) = delete;

  [[nodiscard]] bool is_ready() const { return is_ready_; }
  z_stream& get() { return stream_; }

 private:
  z_stream stream_{};
  bool is_ready_;
};

Error damaged(std::size_t position, const z_stream& stream) {
  std::string reason = stream.msg != nullptr ? stream.msg : "the stream is damaged";
  return {"invalid_compression", "compressed data is invalid near byte " + std::to_string(position) + ": " + reason};
}

Error cut_short(std::size_t size) {
  return {"invalid_compression",
          "compressed data ends after " + std::to_string(size) + " bytes, before its own end mark"};
}

Error too_large(std::size_t max_bytes) {
  return {"inflated_too_large",
          "decompressed data is larger than the limit of " + std::to_string(max_bytes) + " bytes"};
}

}  // namespace

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  constexpr int kMemoryLevel = 8;
  if (deflateInit2(&stream, level, Z_DEFLATED, kWindowBits + kGzipWrapper, kMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string output(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  std::size_t read = 0;
  std::size_t written = 0;
  int state = Z_OK;
  while (state == Z_OK) {
    const uInt input = chunk_size(bytes.size() - read);
    const uInt room = chunk_size(output.size() - written);
    stream.next_in = input_pointer(bytes, read);
    stream.avail_in = input;
    stream.next_out = reinterpret_cast<Bytef*>(output.data() + written);
    stream.avail_out = room;
    state = deflate(&stream, read + input == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    read += input - stream.avail_in;
    written += room - stream.avail_out;
  }
  deflateEnd(&stream);
  output.resize(written);
  return output;
}

Result<std::string> inflate(std::string_view bytes, DeflateFormat format, std::size_t max_bytes) {
  InflateStream inflater(window_bits(bytes, format));
  if (!inflater.is_ready()) return Error{"out_of_memory", "zlib could not be initialised"};
  z_stream& stream = inflater.get();
  BoundedBuffer output(max_bytes);
  std::size_t read = 0;
  while (true) {
    const std::span<char> space = output.room();
    const uInt input = chunk_size(bytes.size() - read);
    const uInt room = chunk_size(space.size());
    stream.next_in = input_pointer(bytes, read);
    stream.avail_in = input;
    stream.next_out = reinterpret_cast<Bytef*>(space.data());
    stream.avail_out = room;
    const int state = ::inflate(&stream, Z_NO_FLUSH);
    read += input - stream.avail_in;
    output.advance(room - stream.avail_out);
    if (output.is_over()) return too_large(max_bytes);
    if (state == Z_STREAM_END) {
      const bool has_another_member = format == DeflateFormat::kGzip && read < bytes.size();
      if (!has_another_member) break;
      inflateReset(&stream);
      continue;
    }
    if (state != Z_OK && state != Z_BUF_ERROR) return damaged(read, stream);
    if (read == bytes.size() && stream.avail_out != 0) return cut_short(bytes.size());
  }
  if (read < bytes.size()) {
    return Error{"invalid_compression",
                 "compressed data has extra bytes after its end, from byte " + std::to_string(read)};
  }
  return output.take();
}

}  // namespace trapline::core
