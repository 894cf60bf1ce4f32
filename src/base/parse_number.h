// Numbers as text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace framelift {

// The number that the whole text is, as std::from_chars reads it (no leading space or plus, the point for fractions,
// whatever the locale). Nothing for other text, and for numbers that the type does not hold.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace framelift
