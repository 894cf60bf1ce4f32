#!/usr/bin/env python3
"""Person masks by MediaPipe's own Python runtime and its own copy of the network (bench/peers/requirements-mediapipe.txt).
"""

import mediapipe
import numpy as np

import segment_loop


def main():
    options = segment_loop.arguments(__doc__)
    job = segment_loop.Job(options)
    segmenter = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def process(frames, write):
        for frame in frames:
            # MediaPipe enlarges the mask itself.
            write(np.rint(segmenter.process(frame).segmentation_mask * 255).astype(np.uint8))

    job.run("mediapipe", process)


if __name__ == "__main__":
    main()
