/// The C interface's scopes (trapline.h).

#include <string>

#include <trapline/trapline.h>

#include "sdk/client/api_support.h"
#include "sdk/client/event_decoder.h"

using namespace trapline::sdk;
using namespace trapline::sdk::api;

namespace {

constexpr std::size_t kMostTags = 100;

/// Runs `change(ScopeFields&)` with the scope, or with the process's. It answers whether there was room.
template <class Change>
trapline_status change_scope(trapline_scope* scope, Change change) noexcept {
  const auto judge = [](bool has_room) {
    return has_room ? TRAPLINE_OK
                    : fail(TRAPLINE_DROPPED, "the scope is full (32 KiB, 100 tags): remove something first");
  };
  if (scope != nullptr) return guarded([&] { return judge(change(scope->fields)); });
  return with_client([&](Client& client) { return judge(client.capturer().change_scope(change)); });
}

trapline_status require(bool is_good, const char* message) {
  return is_good ? TRAPLINE_OK : guarded([&] { return fail(TRAPLINE_INVALID_ARGUMENT, message); });
}

/// A field of which there is one: set, or removed when the text is NULL.
trapline_status set_single(trapline_scope* scope, FieldKind kind, const char* text) {
  return change_scope(scope, [&](ScopeFields& fields) {
    if (text != nullptr) return fields.set(kind, 0, {}, text);
    fields.remove(kind, {});
    return true;
  });
}

/// There is room for a tag that is there already, and for so many others.
bool has_room_for_tag(const ScopeFields& fields, std::string_view key) {
  return fields.contains(FieldKind::kTag, key) || fields.count(FieldKind::kTag) < kMostTags;
}

}  // namespace

trapline_scope* trapline_scope_new(void) {
  trapline_scope* scope = nullptr;
  guarded([&] {
    scope = new trapline_scope;
    return TRAPLINE_OK;
  });
  return scope;
}

void trapline_scope_free(trapline_scope* scope) { delete scope; }

trapline_scope* trapline_scope_push(void) {
  trapline_scope* scope = nullptr;
  guarded([&] {
    ThreadScopes& scopes = ThreadScopes::of_this_thread();
    scopes.push();
    scope = scopes.top();
    return TRAPLINE_OK;
  });
  return scope;
}

trapline_status trapline_scope_pop(void) {
  return guarded([] {
    if (ThreadScopes::of_this_thread().pop()) return TRAPLINE_OK;
    return fail(TRAPLINE_INVALID_ARGUMENT, "this thread has pushed no scope, or has popped it already");
  });
}

trapline_status trapline_scope_set_tag(trapline_scope* scope, const char* key, const char* value) {
  const trapline_status status = require(key != nullptr && *key != '\0', "the tag's key is empty");
  if (status != TRAPLINE_OK) return status;
  return change_scope(scope, [&](ScopeFields& fields) {
    if (value != nullptr) {
      if (scope != nullptr) fields.remove(FieldKind::kRemovedTag, key);
      return has_room_for_tag(fields, key) && fields.set(FieldKind::kTag, 0, key, value);
    }
    fields.remove(FieldKind::kTag, key);
    // Below the process's scope there is none whose tag would have to go.
    return scope == nullptr || fields.set(FieldKind::kRemovedTag, 0, key, {});
  });
}

trapline_status trapline_scope_set_extra(trapline_scope* scope, const char* key, const char* text) {
  const trapline_status status = require(key != nullptr && *key != '\0', "the extra's key is empty");
  if (status != TRAPLINE_OK) return status;
  return change_scope(scope, [&](ScopeFields& fields) {
    if (text != nullptr) return fields.set(FieldKind::kExtra, 0, key, text);
    fields.remove(FieldKind::kExtra, key);
    return true;
  });
}

trapline_status trapline_scope_set_extra_json(trapline_scope* scope, const char* key, const char* json) {
  const bool is_good = key != nullptr && *key != '\0' && json != nullptr && is_usable_json(json, 0);
  const trapline_status status = require(is_good, "the extra's key is empty, or its value is no JSON");
  if (status != TRAPLINE_OK) return status;
  return change_scope(scope, [&](ScopeFields& fields) { return fields.set(FieldKind::kExtra, 1, key, json); });
}

trapline_status trapline_scope_set_context(trapline_scope* scope, const char* name, const char* json) {
  const bool is_good = name != nullptr && *name != '\0' && (json == nullptr || is_usable_json(json, '{'));
  const trapline_status status = require(is_good, "the context's name is empty, or its value is no JSON object");
  if (status != TRAPLINE_OK) return status;
  return change_scope(scope, [&](ScopeFields& fields) {
    if (json != nullptr) return fields.set(FieldKind::kContext, 0, name, json);
    fields.remove(FieldKind::kContext, name);
    return true;
  });
}

trapline_status trapline_scope_set_user(trapline_scope* scope, const trapline_user* user) {
  return change_scope(scope, [&](ScopeFields& fields) {
    fields.remove_all(FieldKind::kUser);
    fields.remove_all(FieldKind::kClearUser);
    // The user is replaced as a whole: nothing of another one's may remain.
    bool has_room = scope == nullptr || fields.add(FieldKind::kClearUser, 0, {}, {});
    if (user == nullptr) return has_room;
    const auto set = [&](std::string_view name, const char* value) {
      if (value != nullptr) has_room = fields.set(FieldKind::kUser, 0, name, value) && has_room;
    };
    set("id", user->id);
    set("email", user->email);
    set("username", user->username);
    set("ip_address", user->ip_address);
    return has_room;
  });
}

trapline_status trapline_scope_set_level(trapline_scope* scope, trapline_level level) {
  return change_scope(scope,
                      [&](ScopeFields& fields) { return fields.set(FieldKind::kLevel, level_number(level), {}, {}); });
}

trapline_status trapline_scope_set_fingerprint(trapline_scope* scope, const char* const* parts, size_t count) {
  return change_scope(scope, [&](ScopeFields& fields) {
    fields.remove_all(FieldKind::kFingerprint);
    bool has_room = true;
    for (std::size_t index = 0; parts != nullptr && index < count; ++index) {
      has_room = fields.add(FieldKind::kFingerprint, index == 0 ? 1 : 0, {}, view(parts[index])) && has_room;
    }
    return has_room;
  });
}

trapline_status trapline_scope_set_transaction(trapline_scope* scope, const char* name) {
  return set_single(scope, FieldKind::kTransaction, name);
}
trapline_status trapline_scope_set_release(trapline_scope* scope, const char* release) {
  return set_single(scope, FieldKind::kRelease, release);
}
trapline_status trapline_scope_set_environment(trapline_scope* scope, const char* environment) {
  return set_single(scope, FieldKind::kEnvironment, environment);
}
trapline_status trapline_scope_set_dist(trapline_scope* scope, const char* dist) {
  return set_single(scope, FieldKind::kDist, dist);
}
trapline_status trapline_scope_set_server_name(trapline_scope* scope, const char* name) {
  return set_single(scope, FieldKind::kServerName, name);
}

trapline_status trapline_scope_set_trace(trapline_scope* scope, const char* trace_id, const char* span_id) {
  return change_scope(scope, [&](ScopeFields& fields) {
    fields.remove_all(FieldKind::kTrace);
    if (trace_id == nullptr) return true;
    return fields.set(FieldKind::kTrace, 0, "trace_id", trace_id) &&
           (span_id == nullptr || fields.set(FieldKind::kTrace, 0, "span_id", span_id));
  });
}

trapline_status trapline_scope_clear(trapline_scope* scope) {
  return change_scope(scope, [](ScopeFields& fields) {
    fields.clear();
    return true;
  });
}

trapline_status trapline_set_tag(const char* key, const char* value) {
  return trapline_scope_set_tag(nullptr, key, value);
}
trapline_status trapline_set_user(const trapline_user* user) { return trapline_scope_set_user(nullptr, user); }
