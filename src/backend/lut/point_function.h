// What a colour table is made of: a per-pixel network that computes the colours of grid points.
#pragma once

#include <memory>
#include <span>

#include "backend/backend.h"
#include "backend/lut/color_table.h"

namespace framelift {

class PointFunction {
 public:
  virtual ~PointFunction() = default;
  // Whether nothing had to be compiled for it.
  virtual bool from_cache() const = 0;
  // Takes the network's inputs after the picture. False if they equal the last ones to the last bit.
  virtual bool adopt(std::span<const TensorView> others) = 0;
  // Whether calls of fill() with few points cost as much as with many, so that few calls are better than even shares.
  virtual bool prefers_few_calls() const = 0;
  // Computes what the table wants of the planes [red_begin, red_end) of its grid. Several threads at once, with
  // different planes. Allocates nothing.
  virtual Status fill(ColorTable& table, int red_begin, int red_end) = 0;
};

// For graphs that pass expect_pixel_function(). `callers`: how many threads call fill() at once.
Result<std::unique_ptr<PointFunction>> make_point_function(const Graph& graph, const Parameters& parameters,
                                                           const CompileOptions& options, int callers);

}  // namespace framelift
