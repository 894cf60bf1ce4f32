"""framelift: neural networks over video.

    import framelift
    network = framelift.Network("animevideov3")
    large = network.run(picture)                       # numpy, height x width x 3
    network.process_video("in.mp4", "out.mkv", crf=18)

Networks may be used from several threads; runs at one size follow each other, or go together with `max_batch`.
"""

from __future__ import annotations

import ctypes
import os
import pathlib
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Optional, Union

import numpy as np
import numpy.typing as npt


def _load_engines() -> None:
    """OpenVINO's library out of its own package, before the module that needs it asks for it by its name."""
    import importlib.util

    spec = importlib.util.find_spec("openvino")
    if spec is None or spec.origin is None:
        raise ImportError("framelift needs the package openvino: pip install openvino")
    for library in sorted((pathlib.Path(spec.origin).parent / "libs").glob("libopenvino.so.*")):
        ctypes.CDLL(str(library))


_load_engines()
from . import _native  # noqa: E402

__all__ = ["Error", "Network", "Progress", "__version__"]
__version__: str = _native.version()

Path = Union[str, "os.PathLike[str]"]


class Error(RuntimeError):
    """What went wrong in one line, with the file's name and the remedy. `code`: framelift_status of framelift.h."""

    def __init__(self, message: str, code: int = 9) -> None:
        super().__init__(message)
        self.code = code


_native.set_error_type(Error)


class Progress(NamedTuple):
    frames: int
    total_frames: int  # 0: unknown
    fps: float
    seconds_left: float  # below 0: unknown
    limiting_stage: str


class Network:
    """A network and its weights: an installed model by name, or a weight file (safetensors, PyTorch, ncnn)."""

    def __init__(self, name_or_path: Path) -> None:
        self._network = _native.Network(os.fspath(name_or_path))
        self._engines: dict[tuple[int, int, str, str, int, int], Any] = {}
        self._lock = threading.Lock()

    @property
    def scale(self) -> int:
        """Output pixels per input pixel on each axis."""
        return int(self._network.scale)

    def _engine(self, *key: Any) -> Any:
        with self._lock:
            if key not in self._engines:
                self._engines[key] = _native.Engine(self._network, *key)
            return self._engines[key]

    def run(self, picture: npt.ArrayLike, *, backend: str = "auto", precision: str = "auto",
            threads: int = 0, max_batch: int = 1) -> npt.NDArray[Any]:
        """The network on one picture of height x width x 3: float32 from 0 = black to 1 = white, or uint8. Gives the
        same type, height*scale x width*scale x 3; float32 may leave 0..1 slightly. Each size is compiled once.
        Up to `max_batch` pictures of threads that call at the same time run together."""
        source = np.asarray(picture)
        if source.ndim != 3 or source.shape[2] != 3 or 0 in source.shape:
            raise ValueError(f"a picture has the shape (height, width, 3), not {source.shape}")
        if source.dtype == np.uint8:
            values = source.astype(np.float32) / 255
        elif source.dtype in (np.float16, np.float32, np.float64):
            values = source.astype(np.float32)
        else:
            raise TypeError(f"pictures are uint8 or float32, not {source.dtype}")
        height, width = source.shape[:2]
        step = int(self._network.alignment)
        padded = np.pad(values.transpose(2, 0, 1), ((0, 0), (0, -height % step), (0, -width % step)), mode="edge")
        target = np.empty((3, padded.shape[1] * self.scale, padded.shape[2] * self.scale), np.float32)
        engine = self._engine(padded.shape[2], padded.shape[1], backend, precision, threads, max_batch)
        engine.run(self.scale, np.ascontiguousarray(padded), target)
        result = target[:, :height * self.scale, :width * self.scale].transpose(1, 2, 0)
        if source.dtype == np.uint8:
            return np.rint(np.clip(result, 0, 1) * 255).astype(np.uint8)
        return np.ascontiguousarray(result)

    def process_video(self, source: Path, target: Path, *, backend: str = "auto", precision: str = "auto", threads: int = 0,
                      encoder: Optional[str] = None, crf: Optional[float] = None, overwrite: bool = False,
                      max_frames: int = 0, memory_bytes: int = 0, mask_output: Optional[str] = None,
                      mask_classes: Optional[str] = None, mask_background: Optional[str] = None,
                      on_progress: Optional[Callable[[Progress], Optional[bool]]] = None) -> None:
        """The network over every frame of a video, a picture or a sequence; audio, subtitles and metadata are copied.
        Networks that find classes make what `mask_output` says: mask, classes, colors, alpha, composite or overlay;
        `mask_background` is "#RRGGBB", "blur", "blur:PERCENT" or a file.
        `on_progress` is called after each frame and stops the job early by returning True: what was written stays."""
        call = None
        if on_progress is not None:
            def call(*facts: Any) -> bool:
                return bool(on_progress(Progress(*facts)))
        self._network.process_video(os.fspath(source), os.fspath(target), backend, precision, threads, encoder, crf,
                                    overwrite, max_frames, memory_bytes, mask_output, mask_classes,
                                    mask_background, call)
