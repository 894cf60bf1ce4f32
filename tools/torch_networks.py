"""Plain PyTorch forward passes of the networks framelift runs, from a state dict with upstream's keys.

Written from the published architectures (Real-ESRGAN's SRVGGNetCompact, ESRGAN's RRDBNet), independent of the C++
code: make_goldens.py compares the two. The same code serves the PyTorch peer of the benchmarks.
"""

import torch
import torch.nn.functional as F


def conv(state, name, x):
    return F.conv2d(x, state[name + ".weight"], state[name + ".bias"], padding=1)


def srvgg_compact(state, x, scale):
    """Convolutions at body.0, body.2, ...; PReLU slopes between them; pixel shuffle; plus the nearest-upscaled input."""
    last = max(int(key.split(".")[1]) for key in state)
    y = x
    for index in range(0, last + 1, 2):
        y = conv(state, f"body.{index}", y)
        if index != last:
            y = F.prelu(y, state[f"body.{index + 1}.weight"])
    y = F.pixel_shuffle(y, scale)
    return y + F.interpolate(x, scale_factor=scale, mode="nearest")


def rrdb(state, x, scale):
    """RRDBNet: x4 in the trunk; x2 and x1 feed it a pixel-unshuffled input."""

    def leaky(value):
        return F.leaky_relu(value, 0.2)

    def dense_block(name, value):
        features = [value]
        for k in range(1, 5):
            features.append(leaky(conv(state, f"{name}.conv{k}", torch.cat(features, 1))))
        return conv(state, f"{name}.conv5", torch.cat(features, 1)) * 0.2 + value

    if scale in (1, 2):
        x = F.pixel_unshuffle(x, 4 // scale)
    first = conv(state, "conv_first", x)
    y = first
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("body."))
    for block in range(blocks):
        z = y
        for r in range(1, 4):
            z = dense_block(f"body.{block}.rdb{r}", z)
        y = z * 0.2 + y
    y = first + conv(state, "conv_body", y)
    for up in ("conv_up1", "conv_up2"):
        y = leaky(conv(state, up, F.interpolate(y, scale_factor=2, mode="nearest")))
    return conv(state, "conv_last", leaky(conv(state, "conv_hr", y)))


def esrgan_old(state, x):
    """ESRGAN's first release: the same network under other keys, with one upscaling convolution per doubling."""

    def leaky(value):
        return F.leaky_relu(value, 0.2)

    def dense_block(name, value):
        features = [value]
        for k in range(1, 5):
            features.append(leaky(conv(state, f"{name}.conv{k}.0", torch.cat(features, 1))))
        return conv(state, f"{name}.conv5.0", torch.cat(features, 1)) * 0.2 + value

    first = conv(state, "model.0", x)
    y = first
    trunk = max(int(key.split(".")[3]) for key in state if key.startswith("model.1.sub."))
    for block in range(trunk):
        z = y
        for r in range(1, 4):
            z = dense_block(f"model.1.sub.{block}.RDB{r}", z)
        y = z * 0.2 + y
    y = first + conv(state, f"model.1.sub.{trunk}", y)
    tail = sorted({int(key.split(".")[1]) for key in state} - {0, 1})
    for index in tail[:-2]:  # upscaling convolutions; the last two are conv_hr and conv_last
        y = leaky(conv(state, f"model.{index}", F.interpolate(y, scale_factor=2, mode="nearest")))
    return conv(state, f"model.{tail[-1]}", leaky(conv(state, f"model.{tail[-2]}", y)))


# ---- HDRTVNet++ (Chen et al.): AGCM, LE, and HG, the generator of the unpublished third stage


def conv_as(state, name, x, stride=1):
    """A convolution of any odd kernel, padded to keep the size at stride 1."""
    weight = state[name + ".weight"]
    return F.conv2d(x, weight, state[name + ".bias"], stride=stride, padding=weight.shape[-1] // 2)


def hdrtvnet_condition(state, picture):
    """AGCM's condition vector, from the reduced frame."""
    y = picture
    for index in (0, 4, 8, 12):
        name = f"classifier.model.{index}"
        norm = f"classifier.model.{index + 3}"
        y = F.leaky_relu(F.avg_pool2d(conv_as(state, name, y), 3, 2, 1), 0.2)
        y = F.instance_norm(y, weight=state[norm + ".weight"], bias=state[norm + ".bias"], eps=1e-5)
    y = F.leaky_relu(F.avg_pool2d(conv_as(state, "classifier.model.16", y), 3, 2, 1), 0.2)
    return conv_as(state, "classifier.model.20", y).mean((2, 3))


def hdrtvnet_agcm(state, image, condition):
    def modulated(name, which, x):
        scale, shift = (F.linear(condition, state[f"cond_{kind}_{which}.weight"], state[f"cond_{kind}_{which}.bias"])
                        for kind in ("scale", "shift"))
        y = conv_as(state, name, x)
        return y * (scale[:, :, None, None] + 1) + shift[:, :, None, None]

    y = F.relu(modulated("conv_first", "first", image))
    y = F.relu(modulated("HRconv", "HR", y))
    return modulated("conv_last", "last", y)


def hdrtvnet_le(state, image):
    def trunk(name, x, strides, slope_after_last):
        for i, stride in enumerate(strides):
            x = conv_as(state, f"{name}.{2 * i}", x, stride)
            if slope_after_last or i + 1 < len(strides):
                x = F.leaky_relu(x, 0.1)
        return x

    def sft(name, x, c):
        scale, shift = (conv_as(state, f"{name}.SFT_{kind}_conv1",
                                F.leaky_relu(conv_as(state, f"{name}.SFT_{kind}_conv0", c), 0.1))
                        for kind in ("scale", "shift"))
        return x * (scale + 1) + shift

    def block(name, x, c):
        y = F.relu(conv_as(state, f"{name}.conv1", sft(f"{name}.sft1", x, c)))
        return conv_as(state, f"{name}.conv2", sft(f"{name}.sft2", y, c)) + x

    def up(name, x):
        return F.relu(F.pixel_shuffle(conv_as(state, name + ".0", x), 2))

    shared = trunk("cond_first", image, (1, 1, 1), True)
    c1, c2, c3, c4 = (trunk(f"CondNet{i + 1}", shared, strides, False)
                      for i, strides in enumerate(((1, 1, 1), (2, 1, 1), (2, 2, 1), (2, 2, 2))))
    f0 = F.relu(conv_as(state, "conv_first", image))
    f0 = F.relu(conv_as(state, "HR_conv1", sft("SFT_layer1", f0, c1)))
    f1 = block("recon_trunk1.0", F.relu(conv_as(state, "down_conv1", f0, 2)), c2)
    f2 = block("recon_trunk2.0", F.relu(conv_as(state, "down_conv2", f1, 2)), c3)
    f3 = F.relu(conv_as(state, "down_conv3", f2, 2))
    y = f3
    for i in range(4):
        y = block(f"recon_trunk3.{i}", y, c4)
    y = block("recon_trunk4.0", up("up_conv1", y + f3) + f2, c3)
    y = block("recon_trunk5.0", up("up_conv2", y) + f1, c2)
    y = up("up_conv3", y) + f0
    y = F.relu(conv_as(state, "HR_conv2", sft("SFT_layer2", y, c1)))
    return image + conv_as(state, "conv_last", y)


def part_of(state, prefix):
    return {key[len(prefix):]: value for key, value in state.items() if key.startswith(prefix)}


def hdrtvnet_ensemble(state, image, picture):
    agcm = part_of(state, "AGCM.")
    return hdrtvnet_le(part_of(state, "LE."), hdrtvnet_agcm(agcm, image, hdrtvnet_condition(agcm, picture)))


def hdrtvnet_hg(state, image):
    """HG on an HDR picture, with the mask of its own highlights."""

    def block(name, x):
        y = conv(state, name + ".0", x)
        norm = [state[f"{name}.1.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.relu(F.batch_norm(y, *norm, eps=1e-5))

    def pool(x):
        return F.max_pool2d(x, 2)

    def up(name, x, same_size, mix):
        larger = F.relu(F.pixel_shuffle(conv(state, name + ".0", x), 2))
        return conv_as(state, mix, torch.cat((larger, same_size), 1))

    level1 = block("conv1", image)
    level2 = block("conv2", pool(level1))
    level3 = block("conv3_2", pool(block("conv3_1", level2)))
    level4 = block("conv4_2", pool(block("conv4_1", level3)))
    level5 = block("conv5_2", pool(block("conv5_1", level4)))
    y = block("conv_code2", pool(block("conv_code1", level5)))
    for name, same_size, mix in (("Up_conv1", level5, "conv6"), ("Up_conv2", level4, "conv7"), ("Up_conv3", level3, "conv8"),
                                 ("Up_conv4", level2, "conv9"), ("Up_conv5", level1, "conv10")):
        y = up(name, y, same_size, mix)
    y = conv_as(state, "conv_last", torch.cat((y, image), 1))
    mask = ((image.amax(1, keepdim=True) - 0.75) / 0.25).clamp(0, 1) > 0.1
    return mask * y + image


# ---- 8-bit pictures to linear HDR


def ldr2hdr(state, image, dilation=2):
    """Residual encoder-decoder (KayDelventhal/ImageBitDeepthConversion); even blocks are dilated."""

    def norm(name, x):
        values = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *values, eps=1e-5)

    def layer(name, x, stride=1, spread=1):
        return F.conv2d(x, state[name + ".weight"], state[name + ".bias"], stride, spread, spread)

    y = F.relu(layer("enc1", image))
    y = F.relu(layer("enc2", y, 2))
    y = F.relu(layer("enc3", y, 2))
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("bottleneck."))
    for block in range(blocks):
        name, spread = f"bottleneck.{block}", dilation if block % 2 == 0 else 1
        z = F.relu(norm(name + ".bn1", layer(name + ".conv1", y, 1, spread)))
        y = F.relu(y + norm(name + ".bn2", layer(name + ".conv2", z, 1, spread)))
    for name in ("dec3", "dec2"):
        y = F.relu(F.conv_transpose2d(y, state[name + ".weight"], state[name + ".bias"], stride=2, padding=1))
    return F.softplus(layer("dec1", y))


def gainmap(state, image, scale_hdr=4):
    """U-Net over five levels: a gain of 1 to 64 for the light that is close to clipping."""

    def layer(name, x, stride=1):
        y = F.conv2d(x, state[name + ".weight"], None, stride, 1)
        norm = [state[f"{name}.norm.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.leaky_relu(F.batch_norm(y, *norm, eps=1e-5), 0.1)

    levels = [layer("down0", image.clamp(0, 1) ** (1 / 2.2))]
    for level in range(1, 5):
        levels.append(layer(f"same{level}", layer(f"down{level}", levels[-1], 2)))
    y = levels[4]
    for level in range(3, -1, -1):
        y = F.interpolate(y, scale_factor=2, mode="bilinear", align_corners=False)
        y = layer(f"up{level}", torch.cat([y, levels[level]], 1))
    clipped = ((image - 0.8) / 0.2).clamp(0, 1)
    gain = (1 + (64**0.25 - 1) * torch.sigmoid(F.conv2d(y, state["gain.weight"], state["gain.bias"], 1, 1) - 3)) ** 4
    return image * (1 + clipped * (gain - 1)) / scale_hdr


def expandnet(state, image):
    """ExpandNet (Marnerides et al., 2018), its global branch on the whole image at 256x256."""

    def layer(name, x, stride=1, spread=1):
        return F.conv2d(x, state[name + ".weight"], state[name + ".bias"], stride, spread, spread)

    local = F.selu(layer("local_net.1.0", F.selu(layer("local_net.0.0", image))))
    middle = image
    for i in range(3):
        middle = F.selu(layer(f"mid_net.{i}.0", middle, 1, 2))
    middle = layer("mid_net.3", middle, 1, 2)
    whole = F.interpolate(image, (256, 256), mode="bilinear", align_corners=False)
    for i in range(6):
        whole = F.selu(layer(f"glob_net.{i}.0", whole, 2))
    whole = F.conv2d(whole, state["glob_net.6.weight"], state["glob_net.6.bias"])
    y = torch.cat((local, middle, whole.expand(-1, -1, *image.shape[2:])), 1)
    y = F.selu(F.conv2d(y, state["end_net.0.0.weight"], state["end_net.0.0.bias"]))
    return torch.sigmoid(F.conv2d(y, state["end_net.1.weight"], state["end_net.1.bias"]))
