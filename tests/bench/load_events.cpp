#include "tests/bench/load_events.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "sdk/core/timestamp.h"

namespace trapline::bench {
namespace {

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  template <std::size_t N>
  std::string word(const std::array<const char*, N>& words) {
    return words[below(N)];
  }

 private:
  std::uint64_t state_;
};

constexpr std::array<const char*, 48> kNouns = {
    "order",   "invoice",  "payment", "cart",     "customer", "session", "shipment",  "address",  "catalog", "price",
    "voucher", "account",  "ledger",  "report",   "export",   "upload",  "thumbnail", "search",   "index",   "queue",
    "worker",  "schedule", "mail",    "template", "locale",   "tax",     "stock",     "supplier", "refund",  "batch",
    "token",   "profile",  "setting", "audit",    "webhook",  "device",  "message",   "channel",  "stream",  "cache",
    "bundle",  "checkout", "coupon",  "basket",   "review",   "rating",  "delivery",  "route"};
constexpr std::array<const char*, 32> kVerbs = {
    "load",      "store",   "update",    "validate", "render",  "parse",   "fetch",  "compute",
    "resolve",   "apply",   "merge",     "split",    "convert", "publish", "notify", "schedule",
    "serialize", "decode",  "encode",    "lookup",   "append",  "confirm", "cancel", "reserve",
    "charge",    "refresh", "normalize", "collect",  "filter",  "sort",    "sync",   "dispatch"};
constexpr std::array<const char*, 16> kErrors = {
    "ValueError",         "KeyError",        "TimeoutError",     "ConnectionError", "TypeError",     "StateError",
    "ValidationError",    "PermissionError", "IntegrityError",   "RangeError",      "LookupFailure", "ParseError",
    "SerializationError", "UpstreamFailure", "DeadlockDetected", "NotFound"};
constexpr std::array<const char*, 12> kLines = {"    result = self.%1.%2(%3, timeout=self.timeout)",
                                                "        raise %1Error('cannot %2 ' + str(%3))",
                                                "    if not %3 or %3.%1 is None:",
                                                "    for item in %1.%2(%3):",
                                                "        return %1.get(%3, default)",
                                                "    with self.lock, tracer.span('%1.%2'):",
                                                "    response = client.post(f'/{%1}/{%3}', json=%2)",
                                                "    logger.debug('%2 %1', extra={'%3': %3})",
                                                "    %3 = %1.objects.filter(%2=True).first()",
                                                "    assert %3 is not None, '%1 without %2'",
                                                "        self._%1[%3] = %2",
                                                "    await %1.%2(%3)"};
constexpr std::array<const char*, 6> kAgents = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile "
    "Safari/537.36",
    "python-requests/2.32.3"};

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

/// Every '%' of the pattern becomes a number.
std::string fill(std::string_view pattern, Random& random) {
  std::string text;
  for (const char c : pattern) {
    if (c == '%') {
      text += std::to_string(random.below(100'000));
    } else {
      text += c;
    }
  }
  return text;
}

std::string hex(Random& random, std::size_t digits) {
  std::string text;
  while (text.size() < digits) {
    char part[17];
    std::snprintf(part, sizeof part, "%016llx", static_cast<unsigned long long>(random.next()));
    text += part;
  }
  return text.substr(0, digits);
}

std::string source_line(Random& random) {
  std::string line;
  for (const char* at = kLines[random.below(kLines.size())]; *at != '\0'; ++at) {
    if (*at != '%') {
      line += *at;
      continue;
    }
    ++at;
    line += *at == '2' ? random.word(kVerbs) : random.word(kNouns);
  }
  return line;
}

std::string source_lines(Random& random) {
  std::string lines = "[";
  for (int index = 0; index < 2; ++index) lines += (index > 0 ? "," : "") + quoted(source_line(random));
  return lines + "]";
}

std::string make_frames(Random& random) {
  std::string frames;
  const std::size_t count = 18 + random.below(14);
  const std::uint64_t framework = random.below(6);
  for (std::size_t index = 0; index < count; ++index) {
    const bool is_in_app = index + 5 >= count && index % 4 != 0;
    // Libraries' frames are the same in many stacks.
    Random library(framework * 1'000 + index);
    Random& own = is_in_app ? random : library;
    const std::string module = (is_in_app ? "shop." + own.word(kNouns) + "." : "framework.core.") +
                               kNouns[own.below(is_in_app ? kNouns.size() : 6)];
    std::string path = module;
    for (char& c : path) c = c == '.' ? '/' : c;
    if (index > 0) frames += ',';
    frames += std::string(R"({"function":")") + kVerbs[own.below(is_in_app ? kVerbs.size() : 4)] + "_" +
              kNouns[own.below(is_in_app ? kNouns.size() : 4)] + R"(","module":")" + module + R"(","filename":")" +
              path + R"(.py","abs_path":"/srv/)" + (is_in_app ? "app/" : "venv/lib/python3.11/") + path +
              R"(.py","lineno":)" + std::to_string(20 + own.below(900)) + R"(,"in_app":)" +
              (is_in_app ? "true" : "false");
    // Clients send source lines of the app's frames, and the variables of the innermost.
    if (is_in_app) {
      frames += R"(,"pre_context":)" + source_lines(random) + R"(,"context_line":)" + quoted(source_line(random)) +
                R"(,"post_context":)" + source_lines(random);
    }
    if (is_in_app && index + 3 >= count) {
      frames += R"(,"vars":{")" + random.word(kNouns) + R"(":"%",")" + random.word(kNouns) + R"(":"<)" +
                random.word(kNouns) + R"( object at 0x7f%>",")" + random.word(kVerbs) + R"(":"'%'"})";
    }
    frames += '}';
  }
  return frames;
}

}  // namespace

LoadEvents::LoadEvents() {
  Random random(20261121);
  for (std::size_t index = 0; index < kEventKinds; ++index) {
    Kind kind;
    const bool is_browser = index % 5 == 4;
    kind.platform = is_browser ? "javascript" : index % 5 == 3 ? "node" : "python";
    kind.type = random.word(kErrors);
    kind.message = "cannot " + random.word(kVerbs) + " " + random.word(kNouns) + " %: " + random.word(kNouns) +
                   " has % of % entries, last seen in " + random.word(kNouns) + " " + std::to_string(index);
    kind.frames = make_frames(random);
    kind.transaction = "/api/" + random.word(kNouns) + "/" + random.word(kVerbs) + "/" + std::to_string(index);
    kind.sdk =
        R"({"name":"sentry.)" + kind.platform +
        R"(","version":"2.10.0","packages":[{"name":"pypi:sentry-sdk","version":"2.10.0"}],"integrations":["argv","atexit","dedupe","excepthook","logging","modules","stdlib","threading","django","redis","celery"]})";
    kind.contexts =
        R"("runtime":{"type":"runtime","name":"CPython","version":"3.11.9","build":"3.11.9 (main, Apr 10 2024, 13:16:36) [GCC 12.2.0]"},"os":{"type":"os","name":"Linux","version":"6.1.0-21-amd64","kernel_version":"6.1.90"},"app":{"type":"app","app_name":"shop-)" +
        random.word(kNouns) + R"("},"culture":{"locale":"en_GB","timezone":"Europe/London"})";
    const std::size_t breadcrumbs = 6 + random.below(8);
    for (std::size_t crumb = 0; crumb < breadcrumbs; ++crumb) {
      kind.breadcrumbs.push_back(random.word(kVerbs) + " " + random.word(kNouns) + " % in % ms");
    }
    kinds_.push_back(std::move(kind));
  }
}

std::string LoadEvents::event(std::uint64_t number, std::int64_t millis) const {
  Random random(number * 7919 + 1);
  // A few kinds are loud, most are quiet, as in life.
  const std::size_t index = random.below(2) == 0 ? random.below(20) : random.below(kinds_.size());
  const Kind& kind = kinds_[index];
  const std::size_t user = random.below(5'000);
  std::string json;
  json.reserve(12'000);
  json += R"({"event_id":")" + hex(random, 32) + R"(","timestamp":")" + core::format_timestamp(millis) +
          R"(","platform":")" + kind.platform + R"(","level":"error","logger":"shop.)" + kind.type +
          R"(","server_name":"web-)" + std::to_string(random.below(20)) + R"(","release":"shop@2.)" +
          std::to_string(random.below(5)) + R"(.0","environment":")" +
          (random.below(4) == 0 ? "staging" : "production") + R"(","transaction":")" + kind.transaction +
          R"(","sdk":)" + kind.sdk;
  json += R"(,"exception":{"values":[{"type":")" + kind.type + R"(","value":")" + fill(kind.message, random) +
          R"(","module":"shop.errors","mechanism":{"type":"django","handled":false},"stacktrace":{"frames":[)" +
          fill(kind.frames, random) + "]}}]}";
  json += R"(,"breadcrumbs":{"values":[)";
  for (std::size_t crumb = 0; crumb < kind.breadcrumbs.size(); ++crumb) {
    if (crumb > 0) json += ',';
    json += R"({"timestamp":")" +
            core::format_timestamp(millis - 60'000 + static_cast<std::int64_t>(crumb * 2'000 + random.below(1'000))) +
            R"(","type":"default","category":"query","level":"info","message":")" +
            fill(kind.breadcrumbs[crumb], random) + R"(","data":{"rows":)" + std::to_string(random.below(500)) + "}}";
  }
  json +=
      R"(]},"request":{"url":"https://shop.example)" + kind.transaction + R"(","method":"POST","query_string":"page=)" +
      std::to_string(random.below(100)) + R"(&ref=)" + hex(random, 8) +
      R"(","headers":{"Host":"shop.example","Accept":"application/json","Accept-Encoding":"gzip, deflate, br","Content-Type":"application/json","X-Request-Id":")" +
      hex(random, 32) + R"(","User-Agent":")" + kAgents[random.below(kAgents.size())] +
      R"("},"env":{"SERVER_NAME":"shop.example","SERVER_PORT":"443"},"data":{"cart":)" +
      std::to_string(random.below(100'000)) + R"(,"quantity":)" + std::to_string(random.below(9)) + "}}";
  json += R"(,"user":{"id":")" + std::to_string(user) + R"(","segment":"b)" + std::to_string(user % 7) + R"("})";
  json += R"(,"contexts":{)" + kind.contexts + R"(,"trace":{"type":"trace","trace_id":")" + hex(random, 32) +
          R"(","span_id":")" + hex(random, 16) + R"(","op":"http.server","status":"internal_error"}})";
  json += R"(,"tags":{"region":"eu-)" + std::to_string(random.below(3)) + R"(","tier":"web","shard":")" +
          std::to_string(random.below(16)) + R"("},"extra":{"attempt":)" + std::to_string(random.below(5)) +
          R"(,"duration_ms":)" + std::to_string(random.below(10'000)) +
          R"(,"sys.argv":["/srv/app/manage.py","runworker"]})";
  json +=
      R"(,"modules":{"django":"4.2.13","celery":"5.4.0","redis":"5.0.4","psycopg":"3.1.19","requests":"2.32.3","urllib3":"2.2.1","sentry-sdk":"2.10.0","jinja2":"3.1.4","pydantic":"2.7.1","numpy":"1.26.4"}})";
  return json;
}

}  // namespace trapline::bench
