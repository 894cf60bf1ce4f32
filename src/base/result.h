// Result<T>: a value, or an Error with a code for programs and one line of text for people.
// Nothing in framelift throws or aborts across a layer; a function that can fail returns Result.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace framelift {

enum class ErrorCode {
  invalid_argument,  // the caller asked for something that makes no sense
  not_found,         // a file, model, codec or device does not exist
  already_exists,    // the output is there and --overwrite was not given
  invalid_data,      // a file is damaged, truncated or not what it should be
  unsupported,       // understood, but this build or device cannot do it
  io,                // read, write or network failure, full disk
  out_of_memory,
  cancelled,
  internal,  // our own bug
};

// Stable lower-case name of a code, e.g. "invalid_data".
const char* error_code_name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::internal;
  // One line without a trailing newline: what is wrong, with the file's name, and what to do.
  std::string message;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

using Status = Result<void>;

// return fail(ErrorCode::io, "{}: cannot be read ({})", path, reason);
template <class... Args>
tl::unexpected<Error> fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return tl::unexpected<Error>(Error{code, fmt::format(format, std::forward<Args>(args)...)});
}

// Passes a failure on to the caller, leaving its text as it is.
inline tl::unexpected<Error> fail(Error error) { return tl::unexpected<Error>(std::move(error)); }

}  // namespace framelift

#define FL_CONCAT_(a, b) a##b
#define FL_CONCAT(a, b) FL_CONCAT_(a, b)

// FL_CHECK(status_expression): returns its error from the enclosing function.
#define FL_CHECK(expression)                                                  \
  do {                                                                        \
    auto fl_status_ = (expression);                                           \
    if (!fl_status_) return ::framelift::fail(std::move(fl_status_.error())); \
  } while (false)

// FL_TRY(auto frame, source->next()): declares `frame`, or returns the error.
#define FL_TRY(declaration, expression) FL_TRY_(declaration, expression, FL_CONCAT(fl_result_, __LINE__))
#define FL_TRY_(declaration, expression, result)                    \
  auto result = (expression);                                       \
  if (!result) return ::framelift::fail(std::move(result.error())); \
  declaration = std::move(*result)
