// What the planes of a segmentation network stand for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace framelift {

struct ClassLabel {
  std::string name;                       // lower case: "person", "traffic light"
  std::array<uint8_t, 3> color{0, 0, 0};  // R, G, B of BT.709 video, for pictures of the classes
};

// PASCAL VOC 2012's 21 classes and Cityscapes' 19 by their number, with the colours those data sets use; "background"
// and "person" for 2; "class 0", "class 1" and so on, in VOC's colours, for any other number.
std::vector<ClassLabel> class_labels(int count);

}  // namespace framelift
