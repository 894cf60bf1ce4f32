// Runs a network on a picture in memory in C++: a gradient of 64x64 pixels, written as picture.ppm.
//   picture MODEL
#include <algorithm>
#include <cmath>
#include <framelift/framelift.hpp>
#include <fstream>
#include <iostream>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 2) return std::cerr << "usage: " << argv[0] << " MODEL\n", 2;
  framelift::api::Network network;
  if (const auto opened = network.open(argv[1]); !opened) return std::cerr << opened.message() << "\n", 1;

  const int size = (64 + network.alignment() - 1) / network.alignment() * network.alignment();
  framelift::api::Engine engine;
  const framelift_engine_options options = FRAMELIFT_ENGINE_OPTIONS_INIT;
  if (const auto made = engine.create(network, size, size, options); !made)
    return std::cerr << made.message() << "\n", 1;

  // Planes R, G, B, from 0 = black to 1 = white.
  std::vector<float> source(size_t{3} * size * size);
  for (size_t i = 0; i < source.size(); ++i) source[i] = static_cast<float>(i % size) / static_cast<float>(size - 1);
  const size_t width = size_t{1} * size * network.scale(), plane = width * width;
  std::vector<float> target(3 * plane);
  if (const auto ran = engine.run(source.data(), target.data()); !ran) return std::cerr << ran.message() << "\n", 1;

  std::ofstream file("picture.ppm", std::ios::binary);
  file << "P6\n" << width << " " << width << "\n255\n";
  for (size_t i = 0; i < plane; ++i)
    for (size_t c = 0; c < 3; ++c)
      file.put(static_cast<char>(std::lround(255 * std::clamp(target[c * plane + i], 0.0f, 1.0f))));
  return file ? 0 : 1;
}
