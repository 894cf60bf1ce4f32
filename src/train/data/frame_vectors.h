// What networks know of the whole picture, beside each sample: the outputs of their frame graph.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "backend/backend.h"
#include "network/network.h"
#include "pipeline/frame_network.h"
#include "train/data/dataset.h"

namespace framelift {

// The frame graph is not trained: it runs with the network's weights. Pictures are reduced as jobs do it.
class WithFrameVectors final : public Dataset {
 public:
  // The network, which has a frame graph, and the backend must outlive it.
  WithFrameVectors(std::unique_ptr<Dataset> pictures, const Network& network, Backend& backend)
      : pictures_(std::move(pictures)), network_(network), backend_(backend) {}

  size_t size() const override { return pictures_->size(); }
  const std::string& name(size_t i) const override { return pictures_->name(i); }
  // Errors also: those of the engine.
  Result<Sample> load(size_t i) const override;

 private:
  std::unique_ptr<Dataset> pictures_;
  const Network& network_;
  Backend& backend_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, int>, FrameNetwork> by_size_;  // height, width
};

}  // namespace framelift
