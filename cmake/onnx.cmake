# The messages of src/weights/onnx/onnx.proto as C++: a library of its own, because what protoc writes does not know this
# program's warnings.
set(onnx_proto ${CMAKE_SOURCE_DIR}/src/weights/onnx/onnx.proto)
set(onnx_generated ${CMAKE_BINARY_DIR}/onnx)
file(MAKE_DIRECTORY ${onnx_generated})
add_custom_command(OUTPUT ${onnx_generated}/onnx.pb.cc ${onnx_generated}/onnx.pb.h
                   COMMAND ${FRAMELIFT_PROTOC} --proto_path=${CMAKE_SOURCE_DIR}/src/weights/onnx
                           --cpp_out=${onnx_generated} ${onnx_proto}
                   DEPENDS ${onnx_proto} COMMENT "Generating onnx.pb.cc" VERBATIM)
add_library(framelift_onnx_proto STATIC ${onnx_generated}/onnx.pb.cc)
target_include_directories(framelift_onnx_proto SYSTEM PUBLIC ${onnx_generated})
target_link_libraries(framelift_onnx_proto PUBLIC PkgConfig::PROTOBUF)
target_compile_options(framelift_onnx_proto PRIVATE -w)
