#include "weights/pytorch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/byte_reader.h"
#include "weights/pickle.h"
#include "weights/tensor_size.h"
#include "weights/zip_archive.h"

namespace framelift {

namespace {

constexpr size_t max_entries = 200'000;  // tensors and scalars of one checkpoint
constexpr int max_dict_depth = 8;

struct StorageType {
  std::string_view name;
  DType dtype;
};
constexpr std::array storage_types = {
    StorageType{"torch.DoubleStorage", DType::f64}, StorageType{"torch.FloatStorage", DType::f32},
    StorageType{"torch.HalfStorage", DType::f16},   StorageType{"torch.BFloat16Storage", DType::bf16},
    StorageType{"torch.LongStorage", DType::i64},   StorageType{"torch.IntStorage", DType::i32},
    StorageType{"torch.ShortStorage", DType::i16},  StorageType{"torch.CharStorage", DType::i8},
    StorageType{"torch.ByteStorage", DType::u8},    StorageType{"torch.BoolStorage", DType::boolean},
};

// What a checkpoint may grow to in memory. Views, shared tensors and deflate can make it larger than the file, but not
// without end.
uint64_t memory_budget(uint64_t file_bytes) { return (uint64_t{64} << 20) + 16 * file_bytes; }

// A persistent id: ('storage', torch.FloatStorage, key, location, elements[, view]). The location (cpu, cuda:0) does
// not matter for data. A view (before PyTorch 0.4) names a part of the storage.
struct StorageRef {
  DType dtype = DType::f32;
  std::string_view key;
  int64_t elements = 0;  // of the whole storage
  int64_t view_offset = 0;
  int64_t view_elements = 0;
};

Result<StorageRef> parse_storage_ref(const Pickle& pickle, const PickleValue& persistent, std::string_view name) {
  const auto malformed = [&] {
    return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, a storage reference is malformed", name);
  };
  if (persistent.kind != PickleKind::persistent) return malformed();
  const PickleValue& id = pickle[persistent.items[0]];
  if (id.kind != PickleKind::tuple || id.items.size() < 5) return malformed();
  const PickleValue& tag = pickle[id.items[0]];
  const PickleValue& type = pickle[id.items[1]];
  const PickleValue& key = pickle[id.items[2]];
  const PickleValue& elements = pickle[id.items[4]];
  if (tag.text != "storage" || type.kind != PickleKind::global || key.kind != PickleKind::text ||
      elements.kind != PickleKind::integer || elements.integer < 0)
    return malformed();
  const auto known = std::ranges::find(storage_types, type.text, &StorageType::name);
  if (known == storage_types.end()) return malformed();
  StorageRef ref{known->dtype, key.text, elements.integer, 0, elements.integer};
  if (id.items.size() > 5) {
    const PickleValue& view = pickle[id.items[5]];
    if (view.kind == PickleKind::tuple && view.items.size() == 3) {
      const PickleValue& offset = pickle[view.items[1]];
      const PickleValue& size = pickle[view.items[2]];
      if (offset.kind != PickleKind::integer || size.kind != PickleKind::integer || offset.integer < 0 ||
          size.integer < 0 || offset.integer > ref.elements || size.integer > ref.elements - offset.integer)
        return malformed();
      ref.view_offset = offset.integer;
      ref.view_elements = size.integer;
    } else if (view.kind != PickleKind::none) {
      return malformed();
    }
  }
  return ref;
}

// The bytes of a whole storage; the span stays valid while tensors are built.
using LoadStorage = std::function<Result<std::span<const std::byte>>(const StorageRef&)>;

// Turns the records a pickle holds into tensors and collects a checkpoint's state dict.
class CheckpointReader {
 public:
  CheckpointReader(const Pickle& pickle, const LoadStorage& load, std::string_view name, uint64_t budget)
      : pickle_(pickle), load_(load), name_(name), budget_(budget) {}

  Result<WeightFile> run() {
    const PickleValue& root = pickle_.root();
    if (root.kind != PickleKind::dict)
      return fail(ErrorCode::invalid_data, "{}: holds no state dict; save the model's state_dict()", name_);
    const PickleValue* state = &root;
    for (std::string_view key : {"params_ema", "params", "state_dict", "model_state"}) {
      const PickleValue* inner = pickle_.find(root, key);
      if (inner == nullptr || inner->kind != PickleKind::dict) continue;
      state = inner;
      break;
    }
    file_.path = name_;
    file_.format = WeightFormat::pytorch;
    // Beside the weights one level of settings, as in {"architecture": {"nf": 32}}, is worth keeping.
    if (state != &root) FL_CHECK(collect(root, "", max_dict_depth - 1, true));
    FL_CHECK(collect(*state, "", 0, false));
    if (file_.tensors.empty())
      return fail(ErrorCode::invalid_data, "{}: holds no tensors; save the model's state_dict()", name_);
    return std::move(file_);
  }

 private:
  // Adds a dict's tensors (unless scalars_only) and scalars; nested dicts get dotted names.
  Status collect(const PickleValue& dict, const std::string& prefix, int depth, bool scalars_only);
  void add_scalar(const std::string& key, const PickleValue& value);
  bool is_tensor(const PickleValue& value) const {
    return value.kind == PickleKind::call &&
           (value.text.starts_with("torch._utils._rebuild_") || value.text == "torch.nn.parameter.Parameter");
  }
  Result<Tensor> tensor(const PickleValue& call, const std::string& key);
  Result<std::vector<int64_t>> integers(const PickleValue& value, const std::string& key) const;

  const Pickle& pickle_;
  const LoadStorage& load_;
  std::string_view name_;
  uint64_t budget_;
  size_t visited_ = 0;
  WeightFile file_;
  std::set<std::string> names_;
};

Status CheckpointReader::collect(const PickleValue& dict, const std::string& prefix, int depth, bool scalars_only) {
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (++visited_ > max_entries)
      return fail(ErrorCode::unsupported, "{}: a checkpoint with more than {} entries is not supported", name_,
                  max_entries);
    const PickleValue& key = pickle_[dict.items[i]];
    const PickleValue& value = pickle_[dict.items[i + 1]];
    std::string full;
    if (key.kind == PickleKind::text)
      full = prefix + std::string(key.text.substr(0, 4096));
    else if (key.kind == PickleKind::integer)
      full = prefix + std::to_string(key.integer);
    else
      continue;
    if (value.kind == PickleKind::dict && depth < max_dict_depth) {
      FL_CHECK(collect(value, full + ".", depth + 1, scalars_only));
    } else if (is_tensor(value) && !scalars_only) {
      if (!names_.insert(full).second)
        return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, tensor {} is there twice", name_, full);
      FL_TRY(auto built, tensor(value, full));
      file_.tensors.emplace_back(std::move(full), std::move(built));
    } else {
      add_scalar(full, value);
    }
  }
  return {};
}

void CheckpointReader::add_scalar(const std::string& key, const PickleValue& value) {
  constexpr size_t max_text = 4096;
  if (value.kind == PickleKind::text)
    file_.metadata[key] = value.text.substr(0, max_text);
  else if (value.kind == PickleKind::integer)
    file_.metadata[key] = std::to_string(value.integer);
  else if (value.kind == PickleKind::boolean)
    file_.metadata[key] = value.integer ? "true" : "false";
  else if (value.kind == PickleKind::real)
    file_.metadata[key] = fmt::format("{}", value.real);
  else if (value.kind == PickleKind::global)
    file_.metadata[key] = value.text;
  else if (value.kind == PickleKind::call && value.text == "torch.Size")
    if (const auto size = integers(value, key)) file_.metadata[key] = fmt::format("{}", fmt::join(*size, ", "));
}

Result<std::vector<int64_t>> CheckpointReader::integers(const PickleValue& value, const std::string& key) const {
  const PickleValue* list = &value;
  if (list->kind == PickleKind::call && list->text == "torch.Size" && list->items.size() == 1)
    list = &pickle_[list->items[0]];
  std::vector<int64_t> numbers;
  bool valid = list->kind == PickleKind::tuple || list->kind == PickleKind::list;
  for (size_t i = 0; valid && i < list->items.size(); ++i) {
    const PickleValue& item = pickle_[list->items[i]];
    valid = item.kind == PickleKind::integer && item.integer >= 0;
    numbers.push_back(item.integer);
  }
  if (!valid)
    return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, tensor {} has a malformed size or stride", name_,
                key);
  if (numbers.size() > Shape::max_rank)
    return fail(ErrorCode::unsupported, "{}: tensor {} has {} dimensions, at most {} are supported", name_, key,
                numbers.size(), Shape::max_rank);
  return numbers;
}

// Index of the last element a view touches; nothing on overflow, or when there are not as many strides as dimensions.
std::optional<int64_t> last_index(int64_t offset, std::span<const int64_t> dims, std::span<const int64_t> strides) {
  if (strides.size() != dims.size()) return std::nullopt;
  int64_t last = offset;
  for (size_t i = 0; i < dims.size(); ++i) {
    int64_t step = 0;
    if (__builtin_mul_overflow(dims[i] - 1, strides[i], &step) || __builtin_add_overflow(last, step, &last))
      return std::nullopt;
  }
  return last;
}

// Copies a strided view into row-major order. Bounds were checked.
void copy_strided(std::byte* to, const std::byte* from, size_t item, std::span<const int64_t> dims,
                  std::span<const int64_t> strides, int64_t elements) {
  bool contiguous = true;
  int64_t dense = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    contiguous = contiguous && (dims[i] == 1 || strides[i] == dense);
    dense *= dims[i];
  }
  if (contiguous) {
    std::memcpy(to, from, static_cast<size_t>(elements) * item);
    return;
  }
  std::array<int64_t, Shape::max_rank> index{};
  for (int64_t n = 0; n < elements; ++n) {
    int64_t source = 0;
    for (size_t i = 0; i < dims.size(); ++i) source += index[i] * strides[i];
    std::memcpy(to + static_cast<size_t>(n) * item, from + static_cast<size_t>(source) * item, item);
    for (size_t i = dims.size(); i-- > 0;) {
      if (++index[i] < dims[i]) break;
      index[i] = 0;
    }
  }
}

Result<Tensor> CheckpointReader::tensor(const PickleValue& call, const std::string& key) {
  const PickleValue* rebuild = &call;
  // Parameters wrap a tensor: _rebuild_parameter(tensor, requires_grad, hooks). Once; a longer chain is damage.
  if (!rebuild->text.starts_with("torch._utils._rebuild_tensor") && !rebuild->items.empty())
    rebuild = &pickle_[rebuild->items[0]];
  if (rebuild->kind != PickleKind::call || !rebuild->text.starts_with("torch._utils._rebuild_tensor") ||
      rebuild->items.size() < 4 || pickle_[rebuild->items[1]].kind != PickleKind::integer)
    return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, tensor {} is malformed", name_, key);
  FL_TRY(auto storage, parse_storage_ref(pickle_, pickle_[rebuild->items[0]], name_));
  const int64_t offset = pickle_[rebuild->items[1]].integer;
  FL_TRY(auto dims, integers(pickle_[rebuild->items[2]], key));
  FL_TRY(auto strides, integers(pickle_[rebuild->items[3]], key));
  const auto bytes = checked_tensor_bytes(dims, storage.dtype);
  const auto last = last_index(offset, dims, strides);
  const bool has_elements = std::ranges::find(dims, 0) == dims.end();
  if (!bytes || !last || offset < 0 || (has_elements && *last >= storage.view_elements))
    return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, tensor {} reaches outside its storage of {} elements",
                name_, key, storage.view_elements);
  if (*bytes > budget_)
    return fail(ErrorCode::invalid_data, "{}: tensor {} is implausibly large for this file ({} bytes)", name_, key,
                *bytes);
  budget_ -= *bytes;
  Tensor result(storage.dtype, Shape(dims));
  if (!has_elements) return result;
  FL_TRY(auto data, load_(storage));
  const size_t item = dtype_size(storage.dtype);
  // storage.elements * item was checked against data.size() by the loader, and the view lies inside.
  copy_strided(result.data(), data.data() + static_cast<size_t>(storage.view_offset + offset) * item, item, dims,
               strides, result.elements());
  return result;
}

Status too_short(std::string_view name, const StorageRef& storage, uint64_t bytes) {
  return fail(ErrorCode::invalid_data, "{}: storage {} has {} bytes, {} elements of type {} expected (truncated?)",
              name, storage.key, bytes, storage.elements, to_string(storage.dtype));
}

bool holds(uint64_t bytes, const StorageRef& storage) {
  return static_cast<uint64_t>(storage.elements) <= bytes / dtype_size(storage.dtype);
}

// ---- zip container: <prefix>/data.pkl, <prefix>/data/<key>, optionally <prefix>/byteorder

Result<WeightFile> parse_zip(std::span<const std::byte> bytes, std::string_view name) {
  const uint64_t budget = memory_budget(bytes.size());
  FL_TRY(auto archive, ZipArchive::open(bytes, name));
  const auto main = std::ranges::find_if(
      archive.members(), [](const std::string& m) { return m == "data.pkl" || m.ends_with("/data.pkl"); });
  if (main == archive.members().end())
    return fail(ErrorCode::invalid_data, "{}: a zip file without data.pkl; this is no PyTorch checkpoint", name);
  const std::string prefix = main->substr(0, main->size() - std::string_view("data.pkl").size());
  if (archive.contains(prefix + "constants.pkl"))
    return fail(ErrorCode::unsupported, "{}: is a TorchScript program, not weights; save the model's state_dict()",
                name);
  if (archive.contains(prefix + "byteorder")) {
    FL_TRY(auto order, archive.read(prefix + "byteorder", 64));
    if (std::string_view(reinterpret_cast<const char*>(order.data()), order.size()) != "little")
      return fail(ErrorCode::unsupported, "{}: was saved on a big-endian machine; save it again on a little-endian one",
                  name);
  }
  FL_TRY(auto program, archive.read(*main, budget));
  ByteReader reader(program, name);
  FL_TRY(auto pickle, read_pickle(reader));

  std::unordered_map<std::string, std::vector<std::byte>> storages;
  uint64_t left = budget;
  const LoadStorage load = [&](const StorageRef& storage) -> Result<std::span<const std::byte>> {
    const std::string member = prefix + "data/" + std::string(storage.key);
    auto found = storages.find(member);
    if (found == storages.end()) {
      FL_TRY(auto data, archive.read(member, left));
      left -= data.size();
      found = storages.emplace(member, std::move(data)).first;
    }
    if (!holds(found->second.size(), storage)) return fail(too_short(name, storage, found->second.size()).error());
    return std::span<const std::byte>(found->second);
  };
  return CheckpointReader(pickle, load, name, budget).run();
}

// ---- the stream before PyTorch 1.6: pickles of a magic number, the protocol, the system, the object and the storage
// keys, then for each key an i64 element count and the raw elements

constexpr std::string_view legacy_magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // 0x1950a86a20f9469cfc6c
constexpr int64_t legacy_protocol = 1001;

Result<std::map<std::string_view, StorageRef>> find_storages(const Pickle& pickle, std::string_view name) {
  std::map<std::string_view, StorageRef> found;
  for (PickleId id = 0; id < pickle.size(); ++id) {
    if (pickle[id].kind != PickleKind::persistent) continue;
    FL_TRY(auto ref, parse_storage_ref(pickle, pickle[id], name));
    auto [it, added] = found.emplace(ref.key, ref);
    if (!added && (it->second.dtype != ref.dtype || it->second.elements != ref.elements))
      return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, storage {} is declared in two ways", name, ref.key);
  }
  return found;
}

Result<WeightFile> parse_legacy(std::span<const std::byte> bytes, std::string_view name) {
  ByteReader reader(bytes, name);
  FL_TRY(auto magic, read_pickle(reader));
  if (magic.root().kind != PickleKind::big_integer || magic.root().text != legacy_magic)
    return fail(ErrorCode::invalid_data, "{}: is a pickle, but not one that torch.save wrote", name);
  FL_TRY(auto protocol, read_pickle(reader));
  if (protocol.root().kind != PickleKind::integer || protocol.root().integer != legacy_protocol)
    return fail(ErrorCode::unsupported, "{}: unknown version of the old PyTorch format; save it again", name);
  FL_TRY(auto system, read_pickle(reader));
  const PickleValue* little = system.find(system.root(), "little_endian");
  if (little == nullptr || little->integer != 1)
    return fail(ErrorCode::unsupported, "{}: was saved on a big-endian machine; save it again on a little-endian one",
                name);
  FL_TRY(auto object, read_pickle(reader));
  FL_TRY(auto keys, read_pickle(reader));
  if (keys.root().kind != PickleKind::list)
    return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, the storage keys are no list", name);

  FL_TRY(auto declared, find_storages(object, name));
  std::map<std::string_view, std::span<const std::byte>> storages;
  for (PickleId id : keys.root().items) {
    const auto storage = declared.find(keys[id].text);
    if (storage == declared.end())
      return fail(ErrorCode::invalid_data, "{}: damaged checkpoint, a storage is used by no tensor", name);
    FL_TRY(auto elements, reader.read<int64_t>());
    if (elements != storage->second.elements || !holds(reader.remaining(), storage->second))
      return fail(too_short(name, storage->second, reader.remaining()).error());
    FL_TRY(auto data, reader.take(static_cast<uint64_t>(elements) * dtype_size(storage->second.dtype)));
    storages[storage->first] = data;
  }
  const LoadStorage load = [&](const StorageRef& storage) -> Result<std::span<const std::byte>> {
    const auto found = storages.find(storage.key);
    if (found == storages.end())
      return fail(ErrorCode::invalid_data, "{}: storage {} is missing (truncated?)", name, storage.key);
    return found->second;
  };
  return CheckpointReader(object, load, name, memory_budget(bytes.size())).run();
}

}  // namespace

Result<WeightFile> parse_pytorch(std::span<const std::byte> bytes, std::string_view name) {
  constexpr std::array<std::byte, 2> zip_magic = {std::byte{'P'}, std::byte{'K'}};
  if (bytes.size() >= 2 && std::ranges::equal(bytes.first(2), zip_magic)) return parse_zip(bytes, name);
  return parse_legacy(bytes, name);
}

}  // namespace framelift
