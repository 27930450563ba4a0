/// Reports errors of a C++ program: an order that fails deep inside, caught at the top with the causes nested in it,
/// and, with --crash, an exception that nobody catches, or, with --segfault, a null pointer. A crash helper delivers
/// those at once; without it they would arrive with the next start.
///
///     TRAPLINE_DSN=http://<key>@127.0.0.1:8790/1 ./hello-error [--crash|--segfault]

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include <trapline/trapline.hpp>

namespace shop {

struct PaymentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct OrderError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct StockError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Kept out of line, so that each stands in the stack by its own name.
[[gnu::noinline]] void charge_card(int cents) {
  if (cents > 10'000) throw PaymentError("the bank declined " + std::to_string(cents) + " cents");
}

[[gnu::noinline]] void place_order(int order, int cents) {
  trapline::add_breadcrumb({.category = "order", .message = "placing order " + std::to_string(order)});
  try {
    charge_card(cents);
  } catch (const std::exception&) {
    std::throw_with_nested(OrderError("order " + std::to_string(order) + " failed"));
  }
}

[[gnu::noinline]] std::string checkout(int order) {
  try {
    place_order(order, 12'900);
    return "";
  } catch (const std::exception& error) {
    return trapline::capture_exception(error);
  }
}

[[gnu::noinline]] void reserve_stock(const std::string& article) { throw StockError("no stock left of " + article); }

struct Receipt {
  int number = 0;
};
[[gnu::noinline]] void print_receipt(const Receipt* receipt) { std::cout << "Receipt " << receipt->number << '\n'; }

}  // namespace shop

int main(int argc, char** argv) {
  const char* dsn = std::getenv("TRAPLINE_DSN");
  const trapline::Status status = trapline::init({.dsn = dsn != nullptr ? dsn : "",
                                                  .release = "hello-error@1.0.0",
                                                  .environment = "example",
                                                  .use_crash_helper = true,
                                                  .send_source_context = true});
  if (!status.ok()) {
    std::cerr << "hello-error: " << status.message() << "\nSet TRAPLINE_DSN to the DSN of a project.\n";
    return 2;
  }
  trapline::set_user({.id = "42", .username = "zoe"});
  trapline::set_tag("shop", "berlin");
  trapline::add_breadcrumb({.type = "navigation", .category = "cart", .message = "checkout opened"});

  std::cout << "An order fails, is caught and reported: event " << shop::checkout(4711) << '\n';

  const std::string_view wish = argc > 1 ? argv[1] : "";
  if (wish == "--segfault") {
    std::cout << "Now a null pointer ends the program.\n" << std::flush;
    const shop::Receipt* volatile lost = nullptr;
    shop::print_receipt(lost);
  }
  if (wish == "--crash") {
    std::cout << "Now an exception that nobody catches ends the program.\n" << std::flush;
    shop::reserve_stock("umbrella");
  }

  const trapline::Status sent = trapline::shutdown(std::chrono::seconds(5));
  std::cout << (sent.ok() ? "All events were sent.\n" : "Not all events were sent: " + sent.message() + "\n");
  return sent.ok() ? 0 : 1;
}
