import os
import pathlib
import threading

import numpy as np
import pytest

import framelift

WEIGHTS = pathlib.Path(__file__).resolve().parents[2] / "tests/golden/srvgg_x2.weights.safetensors"

SHARED = pathlib.Path(os.environ.get("FRAMELIFT_SHARED", WEIGHTS.parents[3] / "shared"))
SELFIE = SHARED / "assets/weights/segmentation/selfie_segmentation.tflite"


@pytest.fixture(scope="module")
def network():
    return framelift.Network(WEIGHTS)


def test_a_picture_of_any_size_and_the_reference_agree(network):
    picture = np.random.default_rng(1).random((7, 11, 3), np.float32)
    fast = network.run(picture, precision="f32")
    exact = network.run(picture, precision="f32", backend="reference")
    assert fast.shape == (14, 22, 3) and fast.dtype == np.float32
    assert np.abs(fast - exact).max() < 1e-5  # as the C++ tests of the engines ask


def test_bytes_stay_bytes(network):
    picture = np.full((8, 8, 3), 128, np.uint8)
    large = network.run(picture, precision="f32")
    assert large.dtype == np.uint8 and large.shape == (16, 16, 3)
    expected = np.rint(np.clip(network.run(picture.astype(np.float32) / 255, precision="f32"), 0, 1) * 255)
    assert np.array_equal(large, expected)


@pytest.mark.parametrize("max_batch", [1, 4])
def test_threads_share_a_network(network, max_batch):
    pictures = np.random.default_rng(2).random((8, 16, 16, 3), np.float32)
    expected = [network.run(p, precision="f32") for p in pictures]
    results = [None] * len(pictures)

    def run(i):
        results[i] = network.run(pictures[i], precision="f32", max_batch=max_batch)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Alone the same to the last bit; batches of other sizes may sum in another order.
    limit = 0 if max_batch == 1 else 1e-5
    assert all(np.abs(r - e).max() <= limit for r, e in zip(results, expected))


def test_a_video(network, tmp_path):
    seen = []
    network.process_video("test:32x24:5", tmp_path / "out.y4m", on_progress=seen.append)
    assert [p.frames for p in seen] == [1, 2, 3, 4, 5]
    assert isinstance(seen[0].limiting_stage, str)
    header = (tmp_path / "out.y4m").read_bytes()[:40].split(b"\n")[0]
    assert b"W64 H48" in header
    with pytest.raises(framelift.Error, match="out.y4m") as error:
        network.process_video("test:32x24:2", tmp_path / "out.y4m")
    assert error.value.code == 3


def test_stopping_early_and_errors_in_callbacks(network, tmp_path):
    network.process_video("test:32x24:200", tmp_path / "short.y4m", on_progress=lambda p: p.frames >= 3)
    assert (tmp_path / "short.y4m").exists()

    def fails(progress):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        network.process_video("test:32x24:200", tmp_path / "failed.y4m", on_progress=fails)


def test_mistakes_have_one_line(network):
    with pytest.raises(framelift.Error, match="nothing.safetensors"):
        framelift.Network("no/nothing.safetensors")
    with pytest.raises(ValueError, match="height, width, 3"):
        network.run(np.zeros((3, 8, 8), np.float32))
    with pytest.raises(TypeError, match="int32"):
        network.run(np.zeros((8, 8, 3), np.int32))
    with pytest.raises(framelift.Error, match="fp99"):
        network.run(np.zeros((8, 8, 3), np.float32), precision="fp99")


@pytest.mark.skipif(not SELFIE.exists(), reason="needs the published person network")
def test_a_segmentation(tmp_path):
    person = framelift.Network(SELFIE)
    person.process_video("test:64x48:3", tmp_path / "mask.y4m")
    assert (tmp_path / "mask.y4m").read_bytes().startswith(b"YUV4MPEG2 W64 H48")
    person.process_video("test:64x48:3", tmp_path / "out.y4m", mask_output="composite", mask_background="#ff0000")
    with pytest.raises(framelift.Error, match="'cutout'"):
        person.process_video("test:64x48:3", tmp_path / "no.y4m", mask_output="cutout")
    with pytest.raises(framelift.Error, match="RRGGBB"):
        person.process_video("test:64x48:3", tmp_path / "no.y4m", mask_output="composite", mask_background="#red")
