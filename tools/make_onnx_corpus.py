#!/usr/bin/env python3
"""Makes tests/fuzz/corpus/onnx/: a small ONNX model, the shape arithmetic of exporters, and models that must be refused.

Needs .venv-peers (`make peers-venv`).
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PICTURE = [1, 3, "height", "width"]


def weight(name="w", shape=(3, 3, 3, 3)):
    rng = np.random.default_rng(5)
    return numpy_helper.from_array((rng.standard_normal(shape) / 6).astype(np.float32), name)


def conv(inputs=("image", "w"), **attributes):
    return helper.make_node("Conv", list(inputs), ["y"], **{"pads": [1, 1, 1, 1], **attributes})


def model(nodes, tensors=(), inputs=(("image", PICTURE),), opset=13):
    graph = helper.make_graph(
        list(nodes), "corpus",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], list(tensors))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def ints(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def shape_arithmetic():
    """Enlarged to twice the size of the picture as Shape, Slice, Mul and Concat compute it; padded and cropped."""
    nodes = [
        helper.make_node("Pad", ["image", "around"], ["padded"], mode="reflect"),
        helper.make_node("Shape", ["image"], ["shape"]),
        helper.make_node("Slice", ["shape", "two", "four"], ["size"]),
        helper.make_node("Mul", ["size", "two"], ["twice"]),
        helper.make_node("Slice", ["shape", "zero", "two"], ["planes"]),
        helper.make_node("Concat", ["planes", "twice"], ["target"], axis=0),
        helper.make_node("Slice", ["padded", "ones", "ends", "axes"], ["cropped"]),
        helper.make_node("Resize", ["cropped", "", "", "target"], ["large"], mode="linear"),
        helper.make_node("Split", ["large"], ["r", "g", "b"], axis=1),
        helper.make_node("Concat", ["b", "g", "r"], ["y"], axis=1)]
    return model(nodes, [ints("around", [0, 0, 1, 1, 0, 0, 1, 1]), ints("zero", [0]), ints("two", [2]), ints("four", [4]),
                         ints("ones", [1, 1]), ints("ends", [-1, -1]), ints("axes", [2, 3])])


def with_raw(shape, raw):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=shape, raw_data=raw)
    return model([conv()], [tensor])


def gelu_and_normalisation():
    nodes = [conv(inputs=("image", "w")),
             helper.make_node("Transpose", ["y"], ["last"], perm=[0, 2, 3, 1]),
             helper.make_node("LayerNormalization", ["last", "scale", "shift"], ["normal"], axis=-1),
             helper.make_node("Transpose", ["normal"], ["x"], perm=[0, 3, 1, 2]),
             helper.make_node("Div", ["x", "root"], ["inner"]), helper.make_node("Erf", ["inner"], ["erf"]),
             helper.make_node("Add", ["erf", "one"], ["plus"]), helper.make_node("Mul", ["x", "plus"], ["product"]),
             helper.make_node("Mul", ["product", "half"], ["out"])]
    tensors = [weight(), *(numpy_helper.from_array(np.float32(v), n) for n, v in (("root", 2**0.5), ("one", 1), ("half", 0.5))),
               *(numpy_helper.from_array(np.ones(3, np.float32), n) for n in ("scale", "shift"))]
    made = model(nodes, tensors, opset=17)
    made.graph.output[0].name = "out"
    return made


def shuffles():
    nodes = [helper.make_node("SpaceToDepth", ["image"], ["deep"], blocksize=2),
             helper.make_node("Conv", ["deep", "w"], ["c"], pads=[1, 1, 1, 1]),
             helper.make_node("DepthToSpace", ["c"], ["y"], blocksize=2, mode="DCR")]
    return model(nodes, [weight(shape=(12, 12, 3, 3))])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--out", type=pathlib.Path, default=root / "tests/fuzz/corpus/onnx")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    half = numpy_helper.from_array(numpy_helper.to_array(weight()).astype(np.float16), "w")
    external = weight()
    external.ClearField("raw_data")
    external.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../../etc/passwd"), ("offset", "0"), ("length", "324")):
        external.external_data.add(key=key, value=value)
    typed = helper.make_tensor("w", TensorProto.FLOAT, [3, 3, 3, 3], numpy_helper.to_array(weight()).ravel().tolist())
    unknown = helper.make_node("Attention", ["y"], ["z"], name="/blocks.0/Attention")
    unknown_model = model([conv(), unknown], [weight()])
    unknown_model.graph.output[0].name = "z"
    cast = model([helper.make_node("Cast", ["image"], ["y"], to=TensorProto.INT64)])
    made = {
        "small": model([conv()], [weight()]),
        "half": model([conv()], [half]),
        "typed": model([conv()], [typed]),
        "fixed": model([conv(strides=[2, 2]), helper.make_node("Resize", ["y", "", "scales"], ["z"])],
                       [weight(), numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")],
                       inputs=[("image", [1, 3, 12, 16])]),
        "shape_arithmetic": shape_arithmetic(),
        "gelu": gelu_and_normalisation(),
        "shuffles": shuffles(),
        "channels_last": model([helper.make_node("Transpose", ["image"], ["n"], perm=[0, 3, 1, 2]), conv(inputs=("n", "w")),
                                helper.make_node("Transpose", ["y"], ["z"], perm=[0, 2, 3, 1])], [weight()],
                               inputs=[("image", [1, "height", "width", 3])]),
        "unknown_op": unknown_model,
        "other_domain": model([helper.make_node("Conv", ["image", "w"], ["y"], domain="com.example")], [weight()]),
        "old_opset": model([conv()], [weight()], opset=9),
        "huge_tensor": with_raw([2**40, 2**40, 3, 3], b"12345678"),
        "wrong_length": with_raw([3, 3, 3, 3], b"12345678"),
        "absurd_padding": model([conv(pads=[2**62, 0, 0, 0])], [weight()]),
        "no_input": model([conv(inputs=("nowhere", "w"))], [weight()]),
        "integers_out": cast,
        "two_inputs": model([conv()], [weight()], inputs=[("image", PICTURE), ("other", PICTURE)]),
        "gray": model([conv()], [weight(shape=(1, 1, 3, 3))], inputs=[("image", [1, 1, "h", "w"])]),
        "external_escape": model([conv()], [external]),
    }
    for name in ("fixed", "channels_last"):
        made[name].graph.output[0].name = "z"
    for name, proto in made.items():
        (out / name).write_bytes(proto.SerializeToString())
    (out / "cut").write_bytes(made["small"].SerializeToString()[:300])
    print(f"{len(made) + 1} files in {out}")


if __name__ == "__main__":
    main()
