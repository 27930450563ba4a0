#include "collector/accounts/accounts.h"

#include <string>

#include <doctest/doctest.h>

#include "collector/storage/open_store.h"
#include "tests/support/manual_clock.h"
#include "tests/support/test_database.h"

using namespace trapline::collector;

namespace {

const std::string kPassword = "correct horse";

struct Fixture {
  trapline::tests::ManualClock clock{1795223297698};
  trapline::tests::TestDatabase database;
  std::unique_ptr<Store> store = open_store(database.url(), clock).value();
  Accounts accounts{*store, clock};
};

}  // namespace

TEST_CASE("addresses and passwords that cannot be used are refused with a reason") {
  Fixture fixture;
  for (const char* email : {"", "a", "@b", "a@", "a@b@c", "a b@c"}) {
    CAPTURE(email);
    CHECK(fixture.accounts.create_user(email, Role::kMember, kPassword).error().code == "invalid_email");
  }
  CHECK(fixture.accounts.create_user("a@b.c", Role::kMember, "short").error().code == "invalid_password");
  CHECK(fixture.accounts.create_token("", TokenScope::kRead).error().code == "invalid_name");
}

TEST_CASE("a user signs in by password, in any case of the address, until the session ends") {
  Fixture fixture;
  REQUIRE(fixture.accounts.create_user("Zoe@Example.com", Role::kAdmin, kPassword));
  CHECK(fixture.accounts.create_user("zoe@example.com", Role::kMember, kPassword).error().code == "conflict");
  const auto signed_in = fixture.accounts.sign_in("ZOE@example.com", kPassword, "1.2.3.4");
  REQUIRE(signed_in);
  CHECK((**fixture.accounts.user_of_session(signed_in->session_secret)).email == "zoe@example.com");
  CHECK_FALSE(*fixture.accounts.user_of_session("another"));
  fixture.clock.advance(Accounts::kSessionLifetime);
  CHECK_FALSE(*fixture.accounts.user_of_session(signed_in->session_secret));
}

TEST_CASE("guessing is stopped after ten failures, for that address alone, and allowed again later") {
  Fixture fixture;
  REQUIRE(fixture.accounts.create_user("a@b.c", Role::kMember, kPassword));
  for (int attempt = 0; attempt < 10; ++attempt) {
    CHECK(fixture.accounts.sign_in("a@b.c", "wrong password", "1.1.1.1").error().code == "wrong_credentials");
  }
  CHECK(fixture.accounts.sign_in("a@b.c", kPassword, "1.1.1.1").error().code == "too_many_attempts");
  CHECK(fixture.accounts.sign_in("a@b.c", kPassword, "2.2.2.2").ok());
  fixture.clock.advance(std::chrono::minutes(15));
  CHECK(fixture.accounts.sign_in("a@b.c", kPassword, "1.1.1.1").ok());
}

TEST_CASE("the welcome link makes the first owner, and there is none once there are users") {
  Fixture fixture;
  const auto link = fixture.accounts.create_welcome_link();
  REQUIRE(link);
  REQUIRE(*link);
  CHECK(fixture.accounts.become_owner("wrong", "a@b.c", kPassword, "x").error().code == "not_found");
  const auto owner = fixture.accounts.become_owner(**link, "a@b.c", kPassword, "x");
  REQUIRE(owner);
  CHECK(owner->user.role == Role::kOwner);
  CHECK_FALSE(*fixture.accounts.create_welcome_link());
}

TEST_CASE("a token opens the API and is not in the database") {
  Fixture fixture;
  const auto token = fixture.accounts.create_token("ci", TokenScope::kWrite);
  REQUIRE(token);
  CHECK(token->starts_with("tlp_"));
  CHECK((**fixture.accounts.find_token(*token)).scope == TokenScope::kWrite);
  CHECK_FALSE(*fixture.accounts.find_token(*token + "0"));
  CHECK_FALSE(*fixture.store->find_token(*token));
}
