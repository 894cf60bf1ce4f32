// Python pickles read as plain data. Nothing is ever called or imported: a pickle may name only the few globals that
// torch.save writes into a state dict, and "calling" one of them yields an inert record of its arguments.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"

namespace framelift {

using PickleId = uint32_t;

enum class PickleKind : uint8_t {
  none,
  boolean,
  integer,
  big_integer,  // does not fit 64 bits: `text` holds its little-endian two's complement bytes
  real,
  text,
  bytes,
  tuple,
  list,
  dict,
  global,      // `text` is its name, as in "torch.FloatStorage"
  call,        // a global applied to arguments: `text` is the global's name
  persistent,  // a reference to something outside the pickle, such as a storage
};

struct PickleValue {
  PickleKind kind = PickleKind::none;
  int64_t integer = 0;    // boolean, integer
  double real = 0;        // real
  std::string_view text;  // views into the pickle's bytes or into static memory
  // tuple, list: the elements; dict: key, value, key, value, ...; call: the arguments; persistent: its one id.
  std::vector<PickleId> items;
};

// All values of one pickle. Values refer to each other by id, so that cycles and deep nesting need no recursion.
// Valid as long as the bytes it was read from.
class Pickle {
 public:
  const PickleValue& root() const { return values_[root_]; }
  const PickleValue& operator[](PickleId id) const { return values_[id]; }
  size_t size() const { return values_.size(); }  // ids are 0 .. size() - 1
  // The value of a dict's text key (the last one, as in Python), or null.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;

 private:
  friend class Unpickler;
  std::vector<PickleValue> values_;
  PickleId root_ = 0;
};

// Reads one pickle (protocol 2 to 5) and leaves the reader behind its STOP.
Result<Pickle> read_pickle(ByteReader& reader);

}  // namespace framelift
