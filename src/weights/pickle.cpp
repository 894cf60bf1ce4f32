#include "weights/pickle.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

namespace framelift {

namespace {

constexpr size_t max_values = size_t{1} << 22;
constexpr size_t max_items = size_t{1} << 24;  // in all tuples, lists, dicts and calls together
constexpr size_t max_open_marks = 1000;
constexpr size_t max_call_arguments = 32;

// Everything a pickle may name. What each means is decided in pytorch.cpp; OrderedDict becomes a dict here.
constexpr std::string_view ordered_dict = "collections.OrderedDict";
constexpr std::array allowed_globals = {
    ordered_dict,
    std::string_view("torch._utils._rebuild_tensor"),
    std::string_view("torch._utils._rebuild_tensor_v2"),
    std::string_view("torch._utils._rebuild_parameter"),
    std::string_view("torch.nn.parameter.Parameter"),
    std::string_view("torch.Size"),
    std::string_view("torch.device"),
    std::string_view("torch.DoubleStorage"),
    std::string_view("torch.FloatStorage"),
    std::string_view("torch.HalfStorage"),
    std::string_view("torch.BFloat16Storage"),
    std::string_view("torch.LongStorage"),
    std::string_view("torch.IntStorage"),
    std::string_view("torch.ShortStorage"),
    std::string_view("torch.CharStorage"),
    std::string_view("torch.ByteStorage"),
    std::string_view("torch.BoolStorage"),
    std::string_view("torch.float64"),
    std::string_view("torch.float32"),
    std::string_view("torch.float16"),
    std::string_view("torch.bfloat16"),
    std::string_view("torch.int64"),
    std::string_view("torch.int32"),
    std::string_view("torch.int16"),
    std::string_view("torch.int8"),
    std::string_view("torch.uint8"),
    std::string_view("torch.bool"),
};

// Text from a hostile file that ends up in a message: short and printable.
std::string printable(std::string_view text) {
  std::string shown;
  for (char c : text.substr(0, 100)) shown += c >= 0x20 && c < 0x7f ? c : '?';
  return shown;
}

std::optional<std::string_view> allowed_global(std::string_view module, std::string_view name) {
  for (std::string_view allowed : allowed_globals) {
    if (allowed.size() == module.size() + 1 + name.size() && allowed.starts_with(module) && allowed.ends_with(name) &&
        allowed[module.size()] == '.')
      return allowed;
  }
  return std::nullopt;
}

}  // namespace

class Unpickler {
 public:
  explicit Unpickler(ByteReader& reader) : reader_(reader) {}

  Result<Pickle> run() {
    while (!stopped_) {
      op_offset_ = reader_.position();
      FL_TRY(auto op, reader_.read<uint8_t>());
      FL_CHECK(step(op));
    }
    return std::move(pickle_);
  }

 private:
  Status step(uint8_t op);
  Status stop();

  // ---- the value stack; values below the last mark belong to an outer construct
  size_t fence() const { return marks_.empty() ? 0 : marks_.back(); }
  Status damaged(std::string_view what) const {
    return fail(ErrorCode::invalid_data, "{}: damaged pickle, {} at offset {}", reader_.name(), what, op_offset_);
  }
  Result<PickleId> pop() {
    if (stack_.size() <= fence()) return fail(damaged("a value is missing").error());
    const PickleId id = stack_.back();
    stack_.pop_back();
    return id;
  }
  Result<PickleId> top() const {
    if (stack_.size() <= fence()) return fail(damaged("a value is missing").error());
    return stack_.back();
  }
  Result<std::vector<PickleId>> pop_to_mark() {
    if (marks_.empty()) return fail(damaged("a mark is missing").error());
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleId> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }
  Status push(PickleValue value) {
    if (pickle_.values_.size() >= max_values)
      return fail(ErrorCode::unsupported, "{}: pickle with more than {} values; this is no weight file", reader_.name(),
                  max_values);
    FL_CHECK(count_items(value.items.size()));
    stack_.push_back(static_cast<PickleId>(pickle_.values_.size()));
    pickle_.values_.push_back(std::move(value));
    return {};
  }
  Status push_kind(PickleKind kind, std::vector<PickleId> items = {}) {
    PickleValue value;
    value.kind = kind;
    value.items = std::move(items);
    return push(std::move(value));
  }
  Status push_integer(int64_t number, PickleKind kind = PickleKind::integer) {
    PickleValue value;
    value.kind = kind;
    value.integer = number;
    return push(std::move(value));
  }

  template <class T>
  Status push_text(PickleKind kind) {
    FL_TRY(auto size, reader_.read<T>());
    FL_TRY(auto text, reader_.take_text(static_cast<uint64_t>(size)));
    PickleValue value;
    value.kind = kind;
    value.text = text;
    return push(std::move(value));
  }
  template <class T>
  Status push_number() {
    FL_TRY(auto number, reader_.read<T>());
    return push_integer(static_cast<int64_t>(number));
  }
  template <class T>
  Status push_long() {
    FL_TRY(auto size, reader_.read<T>());
    FL_TRY(auto text, reader_.take_text(static_cast<uint64_t>(size)));
    if (text.size() > 8) {
      PickleValue value;
      value.kind = PickleKind::big_integer;
      value.text = text;
      return push(std::move(value));
    }
    uint64_t number = 0;
    for (size_t i = 0; i < text.size(); ++i) number |= uint64_t{static_cast<uint8_t>(text[i])} << (8 * i);
    if (!text.empty() && text.size() < 8 && (static_cast<uint8_t>(text.back()) & 0x80))
      number |= ~uint64_t{0} << (8 * text.size());
    return push_integer(static_cast<int64_t>(number));
  }
  Status push_real() {
    FL_TRY(auto bits, reader_.read<uint64_t>());
    PickleValue value;
    value.kind = PickleKind::real;
    value.real = std::bit_cast<double>(__builtin_bswap64(bits));  // pickles hold doubles big-endian
    return push(std::move(value));
  }
  Status push_global(std::string_view module, std::string_view name) {
    const auto allowed = allowed_global(module, name);
    if (!allowed)
      return fail(ErrorCode::invalid_data,
                  "{}: refers to {}.{}, which is not weight data; nothing was executed (save the model's state_dict() "
                  "instead)",
                  reader_.name(), printable(module), printable(name));
    PickleValue value;
    value.kind = PickleKind::global;
    value.text = *allowed;
    return push(std::move(value));
  }

  Status push_tuple(size_t count) {
    if (stack_.size() - fence() < count) return damaged("a value is missing");
    const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<PickleId> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    return push_kind(PickleKind::tuple, std::move(items));
  }
  // Copies of one long tuple cost few bytes of pickle but much memory: bound the sum.
  Status count_items(size_t count) {
    items_ += count;
    if (items_ <= max_items) return {};
    return fail(ErrorCode::unsupported, "{}: pickle with more than {} elements; this is no weight file", reader_.name(),
                max_items);
  }
  Status append(std::span<const PickleId> items) {
    FL_CHECK(count_items(items.size()));
    FL_TRY(auto target, top());
    PickleValue& list = pickle_.values_[target];
    if (list.kind != PickleKind::list) return damaged("an element is added to something that is not a list");
    list.items.insert(list.items.end(), items.begin(), items.end());
    return {};
  }
  Status set_items(std::span<const PickleId> items) {
    FL_CHECK(count_items(items.size()));
    FL_TRY(auto target, top());
    PickleValue& dict = pickle_.values_[target];
    if (dict.kind != PickleKind::dict) return damaged("an entry is added to something that is not a dict");
    if (items.size() % 2 != 0) return damaged("a dict key has no value");
    dict.items.insert(dict.items.end(), items.begin(), items.end());
    return {};
  }
  template <class T>
  Status put() {
    FL_TRY(auto index, reader_.read<T>());
    FL_TRY(auto id, top());
    memo_[index] = id;
    return {};
  }
  template <class T>
  Status get() {
    FL_TRY(auto index, reader_.read<T>());
    auto found = memo_.find(index);
    if (found == memo_.end()) return damaged("a memo entry is missing");
    stack_.push_back(found->second);
    return limit_stack();
  }
  // BINGET and DUP grow the stack without making values.
  Status limit_stack() const { return stack_.size() > max_values ? damaged("too many values") : Status{}; }

  Status reduce();
  Status make_ordered_dict(const PickleValue& arguments);

  ByteReader& reader_;
  Pickle pickle_;
  std::vector<PickleId> stack_;
  std::vector<size_t> marks_;  // stack sizes at MARK
  std::unordered_map<uint32_t, PickleId> memo_;
  size_t items_ = 0;
  size_t op_offset_ = 0;
  bool stopped_ = false;
};

Status Unpickler::make_ordered_dict(const PickleValue& arguments) {
  std::vector<PickleId> entries;
  if (arguments.items.size() > 1) return damaged("OrderedDict has too many arguments");
  if (!arguments.items.empty()) {  // OrderedDict([[key, value], ...]), as Python 2 wrote it
    const PickleValue& pairs = pickle_.values_[arguments.items[0]];
    if (pairs.kind != PickleKind::list && pairs.kind != PickleKind::tuple)
      return damaged("OrderedDict is made from something that is not a list");
    for (PickleId id : pairs.items) {
      const PickleValue& pair = pickle_.values_[id];
      if ((pair.kind != PickleKind::list && pair.kind != PickleKind::tuple) || pair.items.size() != 2)
        return damaged("OrderedDict is made from something that is not pairs");
      entries.insert(entries.end(), pair.items.begin(), pair.items.end());
    }
  }
  return push_kind(PickleKind::dict, std::move(entries));
}

Status Unpickler::reduce() {
  FL_TRY(auto argument_id, pop());
  FL_TRY(auto callable_id, pop());
  const PickleValue& callable = pickle_.values_[callable_id];
  const PickleValue& arguments = pickle_.values_[argument_id];
  if (callable.kind != PickleKind::global) return damaged("something that is not a global is called");
  if (arguments.kind != PickleKind::tuple) return damaged("the arguments of a call are not a tuple");
  if (arguments.items.size() > max_call_arguments) return damaged("a call has too many arguments");
  if (callable.text == ordered_dict) return make_ordered_dict(arguments);
  PickleValue call;
  call.kind = PickleKind::call;
  call.text = callable.text;
  call.items = arguments.items;
  return push(std::move(call));
}

Status Unpickler::stop() {
  FL_TRY(auto root, pop());
  if (!marks_.empty() || !stack_.empty()) return damaged("values are left over");
  pickle_.root_ = root;
  stopped_ = true;
  return {};
}

Status Unpickler::step(uint8_t op) {
  switch (op) {
    case 0x80: {  // PROTO
      FL_TRY(auto protocol, reader_.read<uint8_t>());
      if (protocol < 2 || protocol > 5)
        return fail(ErrorCode::unsupported, "{}: pickle protocol {} is not supported; save it with protocol 2",
                    reader_.name(), protocol);
      return {};
    }
    case 0x95: {  // FRAME: only a hint for buffered readers
      FL_TRY(auto size, reader_.read<uint64_t>());
      return size > reader_.remaining() ? damaged("a frame is truncated") : Status{};
    }
    case '.': return stop();

    case '(':  // MARK
      if (marks_.size() >= max_open_marks)
        return fail(ErrorCode::invalid_data, "{}: pickle nested deeper than {} levels; this is no weight file",
                    reader_.name(), max_open_marks);
      marks_.push_back(stack_.size());
      return {};
    case '0':  // POP; of a mark when one is on top
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
        return {};
      } else {
        FL_TRY([[maybe_unused]] auto dropped, pop());
        return {};
      }
    case '1': {  // POP_MARK
      FL_TRY([[maybe_unused]] auto dropped, pop_to_mark());
      return {};
    }
    case '2': {  // DUP
      FL_TRY(auto id, top());
      stack_.push_back(id);
      return limit_stack();
    }

    case 'N': return push_kind(PickleKind::none);
    case 0x88: return push_integer(1, PickleKind::boolean);  // NEWTRUE
    case 0x89: return push_integer(0, PickleKind::boolean);  // NEWFALSE
    case 'J': return push_number<int32_t>();                 // BININT
    case 'K': return push_number<uint8_t>();                 // BININT1
    case 'M': return push_number<uint16_t>();                // BININT2
    case 0x8a: return push_long<uint8_t>();                  // LONG1
    case 0x8b: return push_long<uint32_t>();                 // LONG4
    case 'G': return push_real();                            // BINFLOAT

    case 'T': return push_text<uint32_t>(PickleKind::text);    // BINSTRING, Python 2
    case 'U': return push_text<uint8_t>(PickleKind::text);     // SHORT_BINSTRING, Python 2
    case 'X': return push_text<uint32_t>(PickleKind::text);    // BINUNICODE
    case 0x8c: return push_text<uint8_t>(PickleKind::text);    // SHORT_BINUNICODE
    case 0x8d: return push_text<uint64_t>(PickleKind::text);   // BINUNICODE8
    case 'B': return push_text<uint32_t>(PickleKind::bytes);   // BINBYTES
    case 'C': return push_text<uint8_t>(PickleKind::bytes);    // SHORT_BINBYTES
    case 0x8e: return push_text<uint64_t>(PickleKind::bytes);  // BINBYTES8

    case ')': return push_kind(PickleKind::tuple);  // EMPTY_TUPLE
    case 0x85: return push_tuple(1);
    case 0x86: return push_tuple(2);
    case 0x87: return push_tuple(3);
    case 't': {  // TUPLE
      FL_TRY(auto items, pop_to_mark());
      return push_kind(PickleKind::tuple, std::move(items));
    }
    case ']': return push_kind(PickleKind::list);  // EMPTY_LIST
    case 'l': {                                    // LIST
      FL_TRY(auto items, pop_to_mark());
      return push_kind(PickleKind::list, std::move(items));
    }
    case 'a': {  // APPEND
      FL_TRY(auto item, pop());
      return append({&item, 1});
    }
    case 'e': {  // APPENDS
      FL_TRY(auto items, pop_to_mark());
      return append(items);
    }
    case '}': return push_kind(PickleKind::dict);  // EMPTY_DICT
    case 'd': {                                    // DICT
      FL_TRY(auto items, pop_to_mark());
      FL_CHECK(push_kind(PickleKind::dict));
      return set_items(items);
    }
    case 's': {  // SETITEM
      FL_TRY(auto value, pop());
      FL_TRY(auto key, pop());
      const std::array<PickleId, 2> entry = {key, value};
      return set_items(entry);
    }
    case 'u': {  // SETITEMS
      FL_TRY(auto items, pop_to_mark());
      return set_items(items);
    }

    case 'q': return put<uint8_t>();   // BINPUT
    case 'r': return put<uint32_t>();  // LONG_BINPUT
    case 0x94: {                       // MEMOIZE
      FL_TRY(auto id, top());
      memo_[static_cast<uint32_t>(memo_.size())] = id;
      return {};
    }
    case 'h': return get<uint8_t>();   // BINGET
    case 'j': return get<uint32_t>();  // LONG_BINGET

    case 'c': {  // GLOBAL
      FL_TRY(auto module, reader_.take_line());
      FL_TRY(auto name, reader_.take_line());
      return push_global(module, name);
    }
    case 0x93: {  // STACK_GLOBAL
      FL_TRY(auto name_id, pop());
      FL_TRY(auto module_id, pop());
      const PickleValue& module = pickle_.values_[module_id];
      const PickleValue& name = pickle_.values_[name_id];
      if (module.kind != PickleKind::text || name.kind != PickleKind::text)
        return damaged("a global's name is no text");
      return push_global(module.text, name.text);
    }
    case 'R': return reduce();   // REDUCE
    case 0x81: return reduce();  // NEWOBJ
    case 'b': {                  // BUILD: attributes beside the content, such as a state dict's _metadata; no weights
      FL_TRY([[maybe_unused]] auto state, pop());
      FL_TRY(auto target, top());
      const PickleKind kind = pickle_.values_[target].kind;
      return kind == PickleKind::dict || kind == PickleKind::call ? Status{} : damaged("plain data has attributes");
    }
    case 'Q': {  // BINPERSID
      FL_TRY(auto id, pop());
      return push_kind(PickleKind::persistent, {id});
    }
    default:
      return fail(ErrorCode::invalid_data,
                  "{}: pickle instruction 0x{:02x} at offset {} does not occur in weight files", reader_.name(), op,
                  op_offset_);
  }
}

const PickleValue* Pickle::find(const PickleValue& dict, std::string_view key) const {
  if (dict.kind != PickleKind::dict) return nullptr;
  const PickleValue* found = nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& candidate = values_[dict.items[i]];
    if (candidate.kind == PickleKind::text && candidate.text == key) found = &values_[dict.items[i + 1]];
  }
  return found;
}

Result<Pickle> read_pickle(ByteReader& reader) { return Unpickler(reader).run(); }

}  // namespace framelift
