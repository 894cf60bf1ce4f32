#include "weights/onnx/onnx_model.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <limits>
#include <optional>

#include "base/parse_number.h"
#include "onnx.pb.h"
#include "weights/file_bytes.h"
#include "weights/tensor_size.h"

namespace framelift {
namespace {

namespace fs = std::filesystem;

constexpr int64_t oldest_opset = 11;
constexpr int max_nodes = 1 << 16;

// TensorProto.DataType of the specification.
enum OnnxType : int32_t {
  type_float = 1,
  type_uint8 = 2,
  type_int8 = 3,
  type_int16 = 5,
  type_int32 = 6,
  type_int64 = 7,
  type_bool = 9,
  type_float16 = 10,
  type_double = 11,
  type_bfloat16 = 16,
};

std::optional<DType> dtype_of(int32_t type) {
  switch (type) {
    case type_float: return DType::f32;
    case type_uint8: return DType::u8;
    case type_int8: return DType::i8;
    case type_int16: return DType::i16;
    case type_int32: return DType::i32;
    case type_int64: return DType::i64;
    case type_bool: return DType::boolean;
    case type_float16: return DType::f16;
    case type_double: return DType::f64;
    case type_bfloat16: return DType::bf16;
  }
  return std::nullopt;
}

template <class From, class To>
void convert(const void* from, To* to, int64_t count) {
  const From* values = static_cast<const From*>(from);
  std::transform(values, values + count, to, [](From v) { return static_cast<To>(v); });
}

Tensor to_i64(const Tensor& tensor) {
  Tensor wide(DType::i64, tensor.shape());
  int64_t* to = wide.as<int64_t>();
  const int64_t count = tensor.shape().elements();
  switch (tensor.dtype()) {
    case DType::i32: convert<int32_t>(tensor.data(), to, count); break;
    case DType::i16: convert<int16_t>(tensor.data(), to, count); break;
    case DType::i8: convert<int8_t>(tensor.data(), to, count); break;
    default: convert<uint8_t>(tensor.data(), to, count); break;
  }
  return wide;
}

bool is_narrow_integer(DType dtype) {
  return dtype == DType::i32 || dtype == DType::i16 || dtype == DType::i8 || dtype == DType::u8 ||
         dtype == DType::boolean;
}

// Files beside the model that hold tensors, each read once.
class ExternalFiles {
 public:
  explicit ExternalFiles(std::string_view model) : model_(model) {}

  Result<std::span<const std::byte>> data_of(const onnx::TensorProto& tensor) {
    std::string location;
    uint64_t offset = 0, length = std::numeric_limits<uint64_t>::max();
    for (const auto& entry : tensor.external_data()) {
      if (entry.key() == "location") location = entry.value();
      if (entry.key() == "offset") FL_CHECK(read_number(tensor, entry.value(), offset));
      if (entry.key() == "length") FL_CHECK(read_number(tensor, entry.value(), length));
    }
    FL_TRY(const auto* bytes, open(location));
    if (offset > bytes->size())
      return fail(ErrorCode::invalid_data, "{}: tensor {} begins at byte {} of {}, which has {}", model_, tensor.name(),
                  offset, location, bytes->size());
    const auto rest = std::span(*bytes).subspan(offset);
    if (length == std::numeric_limits<uint64_t>::max()) return rest;
    if (length > rest.size())
      return fail(ErrorCode::invalid_data, "{}: tensor {} takes {} bytes of {}, where {} are left", model_,
                  tensor.name(), length, location, rest.size());
    return rest.first(length);
  }

 private:
  Status read_number(const onnx::TensorProto& tensor, const std::string& text, uint64_t& number) const {
    if (const auto parsed = parse_number<uint64_t>(text)) {
      number = *parsed;
      return {};
    }
    return fail(ErrorCode::invalid_data, "{}: tensor {} lies at \"{}\" of another file", model_, tensor.name(), text);
  }

  Result<const std::vector<std::byte>*> open(const std::string& location) {
    if (const auto known = files_.find(location); known != files_.end()) return &known->second;
    const fs::path relative(location), folder = fs::path(model_).parent_path();
    std::error_code error;
    const fs::path home = fs::weakly_canonical(folder.empty() ? fs::path(".") : folder, error);
    const fs::path target = fs::weakly_canonical(home / relative, error);
    // Links count as what they lead to.
    const auto [rest, inside] = std::mismatch(home.begin(), home.end(), target.begin(), target.end());
    if (location.empty() || relative.is_absolute() || error || rest != home.end() || inside == target.end())
      return fail(ErrorCode::unsupported,
                  "{}: keeps tensors in {}, outside of its own folder; only files beside the model are read", model_,
                  location.empty() ? "a file without a name" : location);
    FL_TRY(auto bytes, read_file_bytes(target));
    return &files_.emplace(location, std::move(bytes)).first->second;
  }

  std::string model_;
  std::map<std::string, std::vector<std::byte>> files_;
};

class ModelReader {
 public:
  ModelReader(const onnx::ModelProto& proto, std::string_view file) : proto_(proto), external_(file) {
    model_.file = file;
  }

  Result<OnnxModel> read() && {
    FL_CHECK(read_opset());
    const onnx::GraphProto& graph = proto_.graph();
    if (graph.node_size() > max_nodes || graph.initializer_size() > max_nodes)
      return refuse(ErrorCode::unsupported, "has {} nodes and {} tensors, more than any network", graph.node_size(),
                    graph.initializer_size());
    for (const auto& tensor : graph.initializer()) {
      FL_TRY(auto read, read_tensor(tensor));
      if (!model_.tensors.emplace(tensor.name(), std::move(read)).second)
        return refuse(ErrorCode::invalid_data, "has two tensors called {}", tensor.name());
    }
    for (const auto& node : graph.node()) FL_CHECK(read_node(node));
    for (const auto& input : graph.input())
      if (!model_.tensors.contains(input.name())) FL_CHECK(read_input(input));
    for (const auto& output : graph.output()) model_.outputs.push_back(output.name());
    for (const auto& entry : proto_.metadata_props()) model_.metadata[entry.key()] = entry.value();
    model_.producer = proto_.producer_name();
    if (!proto_.producer_version().empty()) model_.producer += " " + proto_.producer_version();
    return std::move(model_);
  }

 private:
  template <class... Args>
  tl::unexpected<Error> refuse(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) const {
    return fail(code, "{}: {}", model_.file, fmt::format(format, std::forward<Args>(args)...));
  }

  Status read_opset() {
    for (const auto& opset : proto_.opset_import())
      if (opset.domain().empty() || opset.domain() == "ai.onnx") model_.opset = opset.version();
    if (!proto_.has_graph() || model_.opset <= 0)
      return refuse(ErrorCode::invalid_data, "is no ONNX model, or only a part of one; export it again");
    if (model_.opset < oldest_opset)
      return refuse(ErrorCode::unsupported, "uses operator set {}; export it with {} or later", model_.opset,
                    oldest_opset);
    return {};
  }

  Result<std::shared_ptr<const Tensor>> read_tensor(const onnx::TensorProto& proto) {
    const auto dtype = dtype_of(proto.data_type());
    if (!dtype)
      return refuse(ErrorCode::unsupported, "tensor {} is of ONNX type {}; use the float model", proto.name(),
                    proto.data_type());
    const std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
    const auto bytes = checked_tensor_bytes(dims, *dtype);
    if (dims.size() > Shape::max_rank || !bytes)
      return refuse(ErrorCode::invalid_data, "tensor {} has {} dimensions that make no size", proto.name(),
                    dims.size());
    const Shape shape(dims);
    const auto check = [&](uint64_t held) -> Status {
      if (held == *bytes) return {};
      return refuse(ErrorCode::invalid_data, "tensor {} {} of {} lies in {} bytes instead of {}", proto.name(),
                    to_string(shape), to_string(*dtype), held, *bytes);
    };
    std::span<const std::byte> data;
    if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
      FL_TRY(data, external_.data_of(proto));
    } else if (proto.has_raw_data()) {
      data = std::as_bytes(std::span(proto.raw_data()));
    } else {
      return read_typed(proto, *dtype, shape, check);
    }
    FL_CHECK(check(data.size()));
    Tensor tensor(*dtype, shape);
    if (!data.empty()) std::memcpy(tensor.data(), data.data(), data.size());
    return finished(std::move(tensor));
  }

  // Numbers in the field of their type; those of 16 bits and less, one each, in that for 32.
  template <class Check>
  Result<std::shared_ptr<const Tensor>> read_typed(const onnx::TensorProto& proto, DType dtype, const Shape& shape,
                                                   Check check) {
    const auto copy = [&](const auto& numbers) -> Result<std::shared_ptr<const Tensor>> {
      FL_CHECK(check(static_cast<uint64_t>(numbers.size()) * dtype_size(dtype)));
      Tensor tensor(dtype, shape);
      std::byte* to = tensor.data();
      for (const auto number : numbers) {
        std::memcpy(to, &number, dtype_size(dtype));  // little-endian: the low bytes come first
        to += dtype_size(dtype);
      }
      return finished(std::move(tensor));
    };
    switch (dtype) {
      case DType::f32: return copy(proto.float_data());
      case DType::f64: return copy(proto.double_data());
      case DType::i64: return copy(proto.int64_data());
      default: return copy(proto.int32_data());
    }
  }

  static std::shared_ptr<const Tensor> finished(Tensor tensor) {
    return std::make_shared<const Tensor>(is_narrow_integer(tensor.dtype()) ? to_i64(tensor) : std::move(tensor));
  }

  Status read_node(const onnx::NodeProto& proto) {
    OnnxNode node;
    node.type = proto.op_type();
    if (!proto.domain().empty() && proto.domain() != "ai.onnx") node.type = proto.domain() + "::" + node.type;
    node.inputs.assign(proto.input().begin(), proto.input().end());
    node.outputs.assign(proto.output().begin(), proto.output().end());
    node.name = proto.name();
    if (node.name.empty()) node.name = node.outputs.empty() ? "without a name" : "of " + node.outputs[0];
    for (const auto& attribute : proto.attribute()) {
      FL_TRY(auto value, read_attribute(attribute));
      node.attributes[attribute.name()] = std::move(value);
    }
    model_.nodes.push_back(std::move(node));
    return {};
  }

  Result<OnnxAttribute> read_attribute(const onnx::AttributeProto& proto) {
    switch (proto.type()) {
      case onnx::AttributeProto::FLOAT: return OnnxAttribute(proto.f());
      case onnx::AttributeProto::INT: return OnnxAttribute(int64_t{proto.i()});
      case onnx::AttributeProto::STRING: return OnnxAttribute(proto.s());
      case onnx::AttributeProto::FLOATS:
        return OnnxAttribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
      case onnx::AttributeProto::INTS:
        return OnnxAttribute(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
      case onnx::AttributeProto::TENSOR: {
        FL_TRY(auto tensor, read_tensor(proto.t()));
        return OnnxAttribute(std::move(tensor));
      }
      default: return OnnxAttribute();
    }
  }

  Status read_input(const onnx::ValueInfoProto& proto) {
    const auto& type = proto.type().tensor_type();
    const auto dtype = dtype_of(type.elem_type());
    if (!dtype || !type.has_shape())
      return refuse(ErrorCode::unsupported, "does not say the type and shape of its input {}", proto.name());
    OnnxInput input{proto.name(), *dtype, {}};
    for (const auto& dim : type.shape().dim()) input.dims.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
    model_.inputs.push_back(std::move(input));
    return {};
  }

  const onnx::ModelProto& proto_;
  ExternalFiles external_;
  OnnxModel model_;
};

Result<onnx::ModelProto> parse_proto(std::span<const std::byte> bytes, std::string_view path) {
  if (bytes.size() > std::numeric_limits<int32_t>::max())
    return fail(ErrorCode::unsupported, "{}: has more than the 2 GiB that an ONNX file can; keep its tensors beside it",
                path);
  onnx::ModelProto proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(ErrorCode::invalid_data, "{}: is damaged or truncated, or no ONNX model; export it again", path);
  return proto;
}

}  // namespace

Result<OnnxModel> parse_onnx_model(std::span<const std::byte> bytes, std::string_view path) {
  FL_TRY(const onnx::ModelProto proto, parse_proto(bytes, path));
  return ModelReader(proto, path).read();
}

Result<std::string> embed_onnx(std::span<const std::byte> bytes, std::string_view path,
                               const std::map<std::string, std::string>& metadata) {
  FL_TRY(onnx::ModelProto proto, parse_proto(bytes, path));
  ExternalFiles external(path);
  for (onnx::TensorProto& tensor : *proto.mutable_graph()->mutable_initializer()) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) continue;
    FL_TRY(const auto data, external.data_of(tensor));
    tensor.set_raw_data(data.data(), data.size());
    tensor.clear_external_data();
    tensor.clear_data_location();
  }
  for (const auto& added : metadata) {
    auto& entries = *proto.mutable_metadata_props();
    entries.erase(std::remove_if(entries.begin(), entries.end(), [&](const auto& e) { return e.key() == added.first; }),
                  entries.end());
    auto* entry = proto.add_metadata_props();
    entry->set_key(added.first);
    entry->set_value(added.second);
  }
  if (proto.ByteSizeLong() > std::numeric_limits<int32_t>::max())
    return fail(ErrorCode::unsupported, "{}: is with its tensors more than the 2 GiB that one ONNX file can hold",
                path);
  return proto.SerializeAsString();
}

}  // namespace framelift
