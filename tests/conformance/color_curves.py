#!/usr/bin/env python3
"""src/color's PQ and HLG curves and BT.2020 matrices against colour-science, over dense grids.

    color_curves.py COLOR_VALUES    (the program made from color_values.cpp)

Prints the largest relative difference of each; exits 1 where one is beyond its tolerance, or nothing was compared.
"""

import subprocess
import sys
import warnings
from collections import defaultdict

import numpy as np

warnings.filterwarnings("ignore")  # of parts of colour-science that want further packages
import colour  # noqa: E402

K2020 = colour.WEIGHTS_YCBCR["ITU-R BT.2020"]


def space(name):
    found = colour.RGB_COLOURSPACES[name].copy()
    found.use_derived_transformation_matrices(True)  # from the chromaticities, not rounded as some standards print them
    return found


def to_bt2020(name):
    return colour.matrix_RGB_to_RGB(space(name), space("ITU-R BT.2020"), None)


def hlg_display(rows):
    return np.array([colour.models.eotf_BT2100_HLG(np.array(row[1:]), L_W=row[0]) for row in rows])


# name: (what colour-science says of the inputs, tolerance relative to the largest component)
EXPECTED = {
    # The same fractions; powers of powers in double leave 1e-11.
    "pq_eotf": (lambda x: colour.models.eotf_ST2084(x[:, 0]), 1e-9),
    "pq_inverse_eotf": (lambda x: colour.models.eotf_inverse_ST2084(x[:, 0]), 1e-9),
    # BT.2100 prints HLG's c with eight digits; colour-science derives it.
    "hlg_oetf": (lambda x: colour.models.oetf_BT2100_HLG(x[:, 0]), 1e-7),
    "hlg_inverse_oetf": (lambda x: colour.models.oetf_inverse_BT2100_HLG(x[:, 0]), 1e-7),
    "hlg_eotf": (hlg_display, 1e-6),
    "ycbcr_from_rgb_bt2020": (lambda _: np.linalg.inv(colour.matrix_YCbCr(K2020, 10, False, False)).ravel(), 1e-12),
    "rgb_from_ycbcr_bt2020": (lambda _: colour.matrix_YCbCr(K2020, 10, False, False).ravel(), 1e-12),
    "rgb_to_xyz_bt2020": (lambda _: space("ITU-R BT.2020").matrix_RGB_to_XYZ.ravel(), 1e-12),
    "rgb_bt709_to_bt2020": (lambda _: to_bt2020("ITU-R BT.709").ravel(), 1e-12),
    "rgb_display_p3_to_bt2020": (lambda _: to_bt2020("Display P3").ravel(), 1e-12),
}


def main():
    text = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
    inputs, outputs = defaultdict(list), defaultdict(list)
    for line in text.splitlines():
        left, right = line.split("=")
        name, *numbers = left.split()
        inputs[name].append([float(n) for n in numbers])
        outputs[name].append([float(n) for n in right.split()])
    failed = set(EXPECTED) ^ set(outputs)
    for name in sorted(set(EXPECTED) & set(outputs)):
        expect, tolerance = EXPECTED[name]
        ours, theirs = np.array(outputs[name]).squeeze(), np.asarray(expect(np.array(inputs[name])))
        if ours.shape != theirs.shape:
            print(f"{name}: {ours.shape} values, {theirs.shape} expected")
            failed.add(name)
            continue
        scale = np.maximum(np.abs(theirs), 1e-6)
        if theirs.ndim == 2 or name not in ("pq_eotf", "pq_inverse_eotf", "hlg_oetf", "hlg_inverse_oetf"):
            scale = np.abs(theirs).max(axis=-1, keepdims=True).clip(1e-6)
        worst = float((np.abs(ours - theirs) / scale).max())
        print(f"{name}: {ours.size} values, {worst:.1e} apart, {tolerance:.0e} allowed")
        if not worst <= tolerance:
            failed.add(name)
    if failed:
        print("wrong:", ", ".join(sorted(failed)))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
