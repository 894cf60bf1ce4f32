"""Goldens of networks too large to store weights for: the weights follow a formula that the C++ test knows too.

Part of make_goldens.py: HDRTVNet++ (AGCM, LE, both, HG), the LDR to HDR network, ExpandNet, HiNeRV.
"""

import numpy as np
import torch

import hinerv_archive
import safetensors_io
import segmentation_networks
import torch_hinerv
import torch_networks


def to_torch(state):
    return {key: torch.from_numpy(value).double() for key, value in state.items()}


def formula_tensor(name, shape):
    """Element i of a tensor: a number in [-1, 1) from FNV-1a of its name and i, brought to a size that suits its role."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 & 0xFFFFFFFF
    i = np.arange(int(np.prod(shape)), dtype=np.uint64)
    mixed = (np.uint64(seed) + i * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    unit = (mixed ^ (mixed >> np.uint64(13))).astype(np.float64) / 2**31 - 1
    if len(shape) > 1:
        value = unit * np.sqrt(3 / np.prod(shape[1:]))
    elif name.endswith((".weight", ".running_var")):
        value = 1 + 0.5 * unit
    else:
        value = 0.1 * unit
    return value.reshape(shape).astype(np.float32)


def agcm_shapes():
    features = [3, 16, 32, 64, 128]
    for index, (inputs, outputs) in enumerate(zip(features, features[1:])):
        yield f"classifier.model.{4 * index}", (outputs, inputs, 1, 1)
        yield f"classifier.model.{4 * index + 3}", (outputs,)
    yield "classifier.model.16", (128, 128, 1, 1)
    yield "classifier.model.20", (6, 128, 1, 1)
    for layer, which, inputs, outputs in (("conv_first", "first", 3, 64), ("HRconv", "HR", 64, 64), ("conv_last", "last", 64, 3)):
        yield layer, (outputs, inputs, 1, 1)
        yield f"cond_scale_{which}", (outputs, 6)
        yield f"cond_shift_{which}", (outputs, 6)


def le_shapes():
    for name, inputs, kernel in (("0", 3, 3), ("2", 64, 1), ("4", 64, 1)):
        yield f"cond_first.{name}", (64, inputs, kernel, kernel)
    for k, strides in enumerate(((1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2))):
        for i, stride in enumerate(strides):
            kernel = 3 if stride == 2 else 1
            yield f"CondNet{k + 1}.{2 * i}", (16 if i == 2 else 64, 64, kernel, kernel)
    blocks = ["recon_trunk1.0", "recon_trunk2.0", *(f"recon_trunk3.{i}" for i in range(4)), "recon_trunk4.0", "recon_trunk5.0"]
    for sft in ["SFT_layer1", "SFT_layer2", *(f"{block}.sft{i}" for block in blocks for i in (1, 2))]:
        for kind in ("scale", "shift"):
            yield f"{sft}.SFT_{kind}_conv0", (16, 16, 1, 1)
            yield f"{sft}.SFT_{kind}_conv1", (32, 16, 1, 1)
    for layer in ["HR_conv1", "HR_conv2", "down_conv1", "down_conv2", "down_conv3",
                  *(f"{block}.conv{i}" for block in blocks for i in (1, 2))]:
        yield layer, (32, 32, 3, 3)
    for i in (1, 2, 3):
        yield f"up_conv{i}.0", (128, 32, 3, 3)
    yield "conv_first", (32, 3, 3, 3)
    yield "conv_last", (3, 32, 3, 3)


def hg_shapes(nf):
    for name, inputs, outputs in (("conv1", 3, 1), ("conv2", 1, 2), ("conv3_1", 2, 4), ("conv3_2", 4, 4), ("conv4_1", 4, 8),
                                  ("conv4_2", 8, 8), ("conv5_1", 8, 8), ("conv5_2", 8, 8), ("conv_code1", 8, 8),
                                  ("conv_code2", 8, 8)):
        yield f"{name}.0", (outputs * nf, 3 if name == "conv1" else inputs * nf, 3, 3)
        yield f"{name}.1", (outputs * nf,)
        yield f"{name}.1.running", (outputs * nf,)
    for i, (level, joined, outputs) in enumerate(((8, 8, 8), (8, 8, 4), (4, 4, 2), (2, 2, 1), (1, 1, 0))):
        yield f"Up_conv{i + 1}.0", (4 * level * nf, level * nf, 3, 3)
        yield f"conv{i + 6}", (outputs * nf or 3, (level + joined) * nf, 1, 1)
    yield "conv_last", (3, 6, 1, 1)


def formula_state(shapes, prefix=""):
    state = {}
    for name, shape in shapes:
        keys = ("_mean", "_var") if name.endswith(".running") else (".weight", ".bias")
        for key in keys:
            full = prefix + name + key
            state[full] = formula_tensor(full, shape if key == ".weight" else shape[:1])
    return state


def make_hdr(out):
    def agcm(state, image, picture):
        return torch_networks.hdrtvnet_agcm(state, image, torch_networks.hdrtvnet_condition(state, picture))

    def le(state, image, picture):
        return torch_networks.hdrtvnet_le(state, image)

    def hg(state, image, picture):
        return torch_networks.hdrtvnet_hg(state, image)

    both = {**formula_state(agcm_shapes(), "AGCM."), **formula_state(le_shapes(), "LE.")}
    name = "hdrtvnet++"
    cases = [("agcm", name, {"agcm": 1, "le": 0}, formula_state(agcm_shapes()), agcm, (13, 17)),
             ("le", name, {"agcm": 0, "le": 1}, formula_state(le_shapes()), le, (24, 16)),
             ("ensemble", name, {"agcm": 1, "le": 1}, both, torch_networks.hdrtvnet_ensemble, (16, 24)),
             ("hg", name + "-hg", {"features": 2}, formula_state(hg_shapes(2)), hg, (32, 64))]
    entries = []
    for case, architecture, hyper, state, forward, (h, w) in cases:
        rng = np.random.default_rng(2000 + len(entries))
        image = rng.uniform(0, 1, (1, 3, h, w)).astype(np.float32)
        # Large enough that every normalisation of the condition branch sees several pixels.
        picture = (rng.uniform(0, 1, (1, 3, 8, 11)).repeat(8, 2).repeat(8, 3)).astype(np.float32)
        result = forward(to_torch(state), torch.from_numpy(image).double(), torch.from_numpy(picture).double())
        tensors = {"input": image, "output": result.numpy().astype(np.float32)}
        if hyper.get("agcm"):
            tensors["picture"] = picture
        golden = out / f"{case}.golden.safetensors"
        safetensors_io.save(golden, tensors)
        parameters = sum(value.size for key, value in state.items() if ".running_" not in key)
        entries.append({"case": case, "golden": golden.name, "architecture": architecture, "hyper": hyper,
                        "parameters": parameters})
        print(f"{case:16} {parameters} parameters, output {result.min():.3f} .. {result.max():.3f}")
    print(f"hg with 64 features: {sum(v.size for k, v in formula_state(hg_shapes(64)).items() if '.running_' not in k)}")
    return entries


def ldr2hdr_shapes(base, blocks):
    yield "enc1", (base, 3, 3, 3)
    yield "enc2", (2 * base, base, 3, 3)
    yield "enc3", (4 * base, 2 * base, 3, 3)
    for block in range(blocks):
        for i in (1, 2):
            yield f"bottleneck.{block}.conv{i}", (4 * base, 4 * base, 3, 3)
            yield f"bottleneck.{block}.bn{i}", (4 * base,)
            yield f"bottleneck.{block}.bn{i}.running", (4 * base,)
    yield "dec3", (4 * base, 2 * base, 4, 4)
    yield "dec2", (2 * base, base, 4, 4)
    yield "dec1", (3, base, 3, 3)


def expandnet_shapes():
    yield "local_net.0.0", (64, 3, 3, 3)
    yield "local_net.1.0", (128, 64, 3, 3)
    for i in range(4):
        yield f"mid_net.{i}.0" if i < 3 else "mid_net.3", (64, 64 if i else 3, 3, 3)
    for i in range(6):
        yield f"glob_net.{i}.0", (64, 64 if i else 3, 3, 3)
    yield "glob_net.6", (64, 64, 4, 4)
    yield "end_net.0.0", (64, 256, 1, 1)
    yield "end_net.1", (3, 64, 1, 1)


def gainmap_shapes(features):
    widths = [features * k for k in (1, 2, 4, 6, 8)]
    layers = [("down0", 3, widths[0])]
    for level in range(1, 5):
        layers += [(f"down{level}", widths[level - 1], widths[level]), (f"same{level}", widths[level], widths[level])]
    layers += [(f"up{level}", widths[level + 1] + widths[level], widths[level]) for level in range(3, -1, -1)]
    for name, before, after in layers:
        yield name, (after, before, 3, 3)
        yield name + ".norm", (after,)
        yield name + ".norm.running", (after,)
    yield "gain", (3, widths[0], 3, 3)


def make_expand(out):
    """Networks that make linear light, with formula weights; ExpandNet's small picture is made from its input."""
    state = {}
    for base, blocks in ((2, 3), (3, 2)):
        state[base] = formula_state(ldr2hdr_shapes(base, blocks))
        for name in ("dec3", "dec2"):  # transposed: the bias belongs to the second dimension
            state[base][name + ".bias"] = formula_tensor(name + ".bias", (state[base][name + ".weight"].shape[1],))

    unet = formula_state(gainmap_shapes(3))
    unet = {key: value for key, value in unet.items() if key.removesuffix("bias") + "norm.weight" not in unet}  # no biases

    def with_dilation(dilation):
        return lambda state, image: torch_networks.ldr2hdr(state, image, dilation)

    cases = [("ldr2hdr", "ldr2hdr", {"base": 2, "blocks": 3, "dilation": 2}, state[2], with_dilation(2), (24, 36)),
             ("ldr2hdr_dilation3", "ldr2hdr", {"base": 3, "blocks": 2, "dilation": 3}, state[3], with_dilation(3), (16, 20)),
             ("expandnet", "expandnet", {}, formula_state(expandnet_shapes()), torch_networks.expandnet, (23, 37)),
             ("gainmap", "gainmap", {"features": 3}, unet, torch_networks.gainmap, (32, 48))]
    entries = []
    for case, architecture, hyper, weights, forward, (h, w) in cases:
        image = np.random.default_rng(3000 + len(entries)).uniform(0, 1, (1, 3, h, w)).astype(np.float32)
        result = forward(to_torch(weights), torch.from_numpy(image).double())
        golden = out / f"{case}.golden.safetensors"
        safetensors_io.save(golden, {"input": image, "output": result.numpy().astype(np.float32)})
        parameters = sum(value.size for key, value in weights.items() if ".running_" not in key)
        entries.append({"case": case, "golden": golden.name, "architecture": architecture, "hyper": hyper,
                        "parameters": parameters})
        print(f"{case:18} {parameters} parameters, output {result.min():.3f} .. {result.max():.3f}")
    return entries


def make_segmentation(out):
    """DeepLabV3+ on both backbones, with formula weights."""
    entries = []
    for case, hyper, size in (("deeplab_mobilenet_16", {"resnet": 0, "classes": 5, "output_stride": 16}, (33, 49)),
                              ("deeplab_mobilenet_8", {"resnet": 0, "classes": 3, "output_stride": 8}, (40, 24)),
                              ("deeplab_resnet_16", {"resnet": 1, "classes": 4, "output_stride": 16}, (32, 40)),
                              ("deeplab_resnet_8", {"resnet": 1, "classes": 3, "output_stride": 8}, (24, 32))):
        network = segmentation_networks.DeepLabV3Plus(**hyper).double().eval()
        state = {key: formula_tensor(key, tuple(value.shape)) for key, value in network.state_dict().items()
                 if not key.endswith(".num_batches_tracked")}
        network.load_state_dict(to_torch(state), strict=False)
        image = np.random.default_rng(4000 + len(entries)).uniform(0, 1, (1, 3, *size)).astype(np.float32)
        with torch.no_grad():
            result = network(torch.from_numpy(image).double())
        golden = out / f"{case}.golden.safetensors"
        safetensors_io.save(golden, {"input": image, "output": result.numpy().astype(np.float32)})
        parameters = sum(value.size for key, value in state.items() if ".running_" not in key)
        entries.append({"case": case, "golden": golden.name, "architecture": "deeplabv3plus", "hyper": hyper,
                        "parameters": parameters})
        print(f"{case:18} {parameters} parameters, output {result.min():.3f} .. {result.max():.3f}")
    return entries


def hinerv_cases():
    """(case, hyper-parameters, frames, patch size, patches (frame, row, column))"""
    common = {"stem_kernel": 3, "base_levels": 2, "grid_levels": 3, "upsample_norm": True}
    published = {"frames": 9, "height": 60, "width": 120, "channels": 32, "scales": [5, 3, 2, 2], "depths": [2, 1, 1, 1],
                 "exps": [4, 4, 4, 1], "kernels": [3, 3, 3, 3], "base_frames": 0, "base_channels": 5, "grid_channels": 4}
    short = {"frames": 7, "height": 24, "width": 36, "channels": 12, "scales": [3, 2], "depths": [2, 1], "exps": [4, 1],
             "kernels": [3, 5], "base_frames": 3, "base_channels": 2, "grid_channels": 2}
    yield "hinerv", {**common, **short}, [0, 3, 6], 12, [(3, 0, 0), (3, 1, 1), (6, 1, 2), (0, 0, 1)]
    yield ("hinerv_no_norm", {**common, **published, "upsample_norm": False}, [0, 8], 60, [(8, 0, 0), (0, 0, 1)])
    yield "hinerv_one_frame", {**common, **short, "frames": 1, "base_frames": 0}, [0], 12, [(0, 1, 0)]


def make_hinerv(out):
    entries = []
    for case, c, frames, size, places in hinerv_cases():
        weights = {name: formula_tensor(name, shape) for name, shape in torch_hinerv.shapes(c).items()}
        state = to_torch(weights)
        whole = torch_hinerv.whole_frames(state, c, frames)
        patches = torch.stack([torch_hinerv.patch(state, c, size, *place) for place in places])
        golden = out / f"{case}.golden.safetensors"
        safetensors_io.save(golden, {"frames": whole.numpy().astype(np.float32), "patches": patches.numpy().astype(np.float32)})
        entries.append({"case": case, "config": c, "golden": golden.name, "frames": frames, "patch": size, "places": places,
                        "parameters": sum(w.size for w in weights.values())})
        print(f"{case:16} {entries[-1]['parameters']:7} parameters, output {whole.min():.3f} .. {whole.max():.3f}")
        if case == "hinerv":
            make_hinerv_archive(out, case, c, weights)
    return entries


def make_hinerv_archive(out, case, c, weights):
    """The same network quantised and pruned, in the authors' file format; one layer has nothing left."""
    rng = np.random.default_rng(41)
    masks = {name: rng.random(w.shape) < 0.85 for name, w in weights.items() if w.ndim > 1 and "grids" not in name}
    masks["decoder.blocks.1.2.fc1.weight"][:] = False
    decoded = hinerv_archive.write(out / f"{case}.weights.zip", weights, masks, 6)
    frames = torch_hinerv.whole_frames(to_torch(decoded), c, [0, 5])
    safetensors_io.save(out / f"{case}_archive.golden.safetensors", {**decoded, "frames": frames.numpy().astype(np.float32)})
