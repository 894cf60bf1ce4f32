#include "weights/weight_file.h"

#include <algorithm>
#include <new>
#include <span>

#include "weights/file_bytes.h"
#include "weights/hinerv_archive.h"
#include "weights/ncnn.h"
#include "weights/onnx/onnx_model.h"
#include "weights/pytorch.h"
#include "weights/safetensors.h"
#include "weights/tflite.h"
#include "weights/zip_archive.h"

namespace framelift {

namespace {

std::string_view opening(const std::vector<std::byte>& bytes, size_t count) {
  return {reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), count)};
}

bool looks_like_safetensors(std::string_view head) { return head.size() > 8 && head[8] == '{'; }
bool looks_like_zip(std::string_view head) { return head.starts_with("PK"); }
bool looks_like_pickle(std::string_view head) { return head.size() > 1 && head[0] == '\x80' && head[1] <= '\x05'; }
bool looks_like_tflite(std::string_view head) { return head.size() > 8 && head.substr(4, 4) == "TFL3"; }
bool looks_like_ncnn_graph(std::string_view head) { return head.starts_with("7767517"); }

// Files that downloads leave behind in place of weights, told apart because the remedy differs.
Status refuse_stand_ins(std::string_view head, const std::string& name) {
  if (head.empty()) return fail(ErrorCode::invalid_data, "{}: is empty; fetch it again", name);
  if (head.starts_with("version https://git-lfs"))
    return fail(ErrorCode::invalid_data, "{}: is a Git LFS pointer, not the weights; run git lfs pull", name);
  if (head.starts_with("<!") || head.starts_with("<html"))
    return fail(ErrorCode::invalid_data, "{}: is a web page, not weights; download the file itself", name);
  return {};
}

Result<WeightFile> read_ncnn_pair(std::filesystem::path param, std::filesystem::path bin) {
  FL_TRY(auto param_bytes, read_file_bytes(param));
  FL_TRY(auto bin_bytes, read_file_bytes(bin));
  return parse_ncnn(param_bytes, param.string(), bin_bytes, bin.string());
}

Result<WeightFile> read_onnx(std::span<const std::byte> bytes, const std::filesystem::path& path) {
  FL_TRY(OnnxModel model, parse_onnx_model(bytes, path.string()));
  WeightFile file;
  file.path = path;
  file.format = WeightFormat::onnx;
  file.metadata = model.metadata;
  file.onnx = std::make_shared<const OnnxModel>(std::move(model));
  return file;
}

Result<WeightFile> read_any(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::string extension = path.extension().string();
  FL_TRY(auto bytes, read_file_bytes(path));
  const std::string_view head = opening(bytes, 32);
  FL_CHECK(refuse_stand_ins(head, name));
  if (extension == ".onnx") return read_onnx(bytes, path);  // nothing in such a file's opening says what it is
  // Before pickles, because the length that opens a safetensors file may begin with the bytes of a pickle (0x80 0x02 =
  // 640).
  if (looks_like_safetensors(head)) return parse_safetensors(bytes, name);
  if (looks_like_tflite(head)) return parse_tflite(bytes, name);
  if (looks_like_zip(head)) {
    FL_TRY(const ZipArchive archive, ZipArchive::open(bytes, name));
    return is_hinerv_archive(archive) ? parse_hinerv_archive(bytes, name) : parse_pytorch(bytes, name);
  }
  if (looks_like_pickle(head)) return parse_pytorch(bytes, name);
  if (looks_like_ncnn_graph(head)) return read_ncnn_pair(path, std::filesystem::path(path).replace_extension(".bin"));
  if (extension == ".safetensors") return parse_safetensors(bytes, name);
  if (extension == ".bin") {
    const auto param = std::filesystem::path(path).replace_extension(".param");
    if (!std::filesystem::exists(param))
      return fail(ErrorCode::not_found, "{}: ncnn weights need {} beside them", name, param.string());
    return read_ncnn_pair(param, path);
  }
  return fail(
      ErrorCode::unsupported,
      "{}: is no weight file framelift knows (safetensors, PyTorch .pth/.pt, ncnn .param/.bin, .tflite, .onnx, HiNeRV "
      ".zip)",
      name);
}

}  // namespace

const char* to_string(WeightFormat format) {
  switch (format) {
    case WeightFormat::safetensors: return "safetensors";
    case WeightFormat::pytorch: return "pytorch";
    case WeightFormat::ncnn: return "ncnn";
    case WeightFormat::tflite: return "tflite";
    case WeightFormat::onnx: return "onnx";
    case WeightFormat::hinerv: return "hinerv";
  }
  return "?";
}

const Tensor* WeightFile::find(std::string_view name) const {
  const auto found = std::ranges::find_if(tensors, [&](const auto& entry) { return entry.first == name; });
  return found == tensors.end() ? nullptr : &found->second;
}

Result<WeightFile> read_weights(const std::filesystem::path& path) {
  try {
    return read_any(path);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::out_of_memory, "{}: does not fit into memory", path.string());
  }
}

}  // namespace framelift
