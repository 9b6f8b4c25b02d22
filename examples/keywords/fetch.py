"""Fetches four models of MLPerf Tiny and TensorFlow Lite Micro, and makes inputs for them from published clips and pictures.

    python3 fetch.py

Writes kws.tflite, ad01.tflite, micro_speech.tflite, person_detect.tflite, and inputs as the models' stored integers (int8): clips.npy
[16, 49, 10, 1] for kws, windows.npy [20, 640] for ad01, pictures.npy [2, 96, 96, 1] for person_detect. Models are checked by
their SHA-256, inputs by that of their integers. All are under the Apache-2.0 licence of their repositories. Needs NumPy.
"""

import hashlib
import io
import urllib.request
import wave
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
TINY = "https://raw.githubusercontent.com/mlcommons/tiny/1afd2c9820f795965a6134facd0b4dfae41ef23f/benchmark/"
TFLM = "https://raw.githubusercontent.com/tensorflow/tflite-micro/90b983c2b3f1480642e040bbd2ddb37b998f3424/tensorflow/lite/micro/"
MODELS = {
    "kws.tflite": (
        TINY + "training/keyword_spotting/trained_models/kws_ref_model.tflite",
        "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae",
    ),
    "ad01.tflite": (
        TINY + "training/anomaly_detection/trained_models/ad01_int8.tflite",
        "87cf24194ef93d1d9b11a591d805526b98008e351655d29883c825c9c106ba24",
    ),
    "micro_speech.tflite": (
        TFLM + "examples/micro_speech/models/micro_speech_quantized.tflite",
        "09e5e2a9dfb2d8ed78802bf18ce297bff54281a66ca18e0c23d69ca14f822a83",
    ),
    "person_detect.tflite": (
        TFLM + "models/person_detect.tflite",
        "808cfdfc0cf3a6fa6f6fa26bfa379ea97c16d5db7334637766e39c3408502e9d",
    ),
}
CLIPS = [TFLM + f"examples/micro_speech/testdata/{name}_1000ms.wav" for name in ("yes", "no", "noise", "silence")]
CLIPS.append(TINY + "runner/sww_data_dir/marvin_617de221_0.wav")
STREAM = TINY + "runner/sww_data_dir/short_wav_easy10s.wav"
WINDOWS = TINY + "reference_submissions/anomaly_detection/datasets/dcase01/normal_id_01_00000000_hist_librosa.bin"
PICTURES = [TFLM + f"examples/person_detection/testdata/{name}.bmp" for name in ("no_person", "person")]

RATE = 16000
FRAME, STEP, SPECTRUM = 480, 320, 512
MELS, COEFFICIENTS = 40, 10

# Scale and zero point of the models' inputs.
KWS_INPUT = np.float32(9809687 / 16777216), 83
AD01_INPUT = np.float32(6560147 / 16777216), 89


def fetch(address):
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.read()
    except OSError as error:
        raise SystemExit(f"{address}: {error}") from error


def samples(data):
    """The 16-bit samples of a WAV file with one channel, as floats."""
    with wave.open(io.BytesIO(data)) as clip:
        return np.frombuffer(clip.readframes(clip.getnframes()), np.int16).astype(np.float64)


def mel_filters():
    """Triangles on the mel scale (HTK's), 20 to 4000 Hz: [SPECTRUM / 2 + 1, MELS]."""

    def mel(hertz):
        return 1127 * np.log1p(np.asarray(hertz, float) / 700)

    frequencies = mel(np.linspace(0, RATE / 2, SPECTRUM // 2 + 1)[1:])[:, None]
    edges = np.linspace(mel(20), mel(4000), MELS + 2)
    low, middle, high = edges[None, :-2], edges[None, 1:-1], edges[None, 2:]
    rising, falling = (frequencies - low) / (middle - low), (high - frequencies) / (high - middle)
    return np.vstack([np.zeros(MELS), np.maximum(0, np.minimum(rising, falling))])


def features(clip):
    """Ten MFCCs of each of 49 frames of a second, as the model's training computed them: [49, 10]."""
    clip = clip / np.max(clip)
    clip = np.pad(clip[:RATE], (0, max(0, RATE - len(clip))))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    frames = np.stack([clip[at : at + FRAME] for at in range(0, RATE - FRAME + 1, STEP)]) * window
    energies = np.log(np.abs(np.fft.rfft(frames, SPECTRUM)) @ mel_filters() + 1e-6)
    k, j = np.arange(COEFFICIENTS)[:, None], np.arange(MELS)[None, :]
    return energies @ (np.cos(np.pi * k * (2 * j + 1) / (2 * MELS)) * np.sqrt(2 / MELS)).T


def quantized(values, scale, zero_point):
    return np.clip(np.round(values / scale) + zero_point, -128, 127).astype(np.int8)


def clips():
    seconds = [samples(fetch(address)) for address in CLIPS]
    stream = samples(fetch(STREAM))
    seconds += [stream[at : at + RATE] for at in range(0, len(stream) - RATE, RATE)]
    # A second of digital silence has no greatest sample to divide by.
    return np.stack([quantized(features(second), *KWS_INPUT) for second in seconds if np.max(second) > 0])[..., None]


def windows():
    """Every tenth window of five frames of 128 log-mel energies."""
    frames = np.frombuffer(fetch(WINDOWS), "<f4").reshape(-1, 128)
    return np.stack([quantized(frames[at : at + 5].reshape(-1), *AD01_INPUT) for at in range(0, len(frames) - 5, 10)])


def pictures():
    """Grey bitmaps, whose rows are stored from the last to the first; a pixel's integer is its byte minus 128."""

    def picture(data):
        start = int.from_bytes(data[10:14], "little")
        rows = np.frombuffer(data[start : start + 96 * 96], np.uint8).reshape(96, 96)[::-1]
        return (rows.astype(np.int16) - 128).astype(np.int8)[..., None]

    return np.stack([picture(fetch(address)) for address in PICTURES])


INPUTS = {
    "clips.npy": (clips, "33dcb85dc025284507b6f51ed45dd87f47f299e4fa92555a48c7defe9edea354"),
    "windows.npy": (windows, "ef3be91163730717ea2f775d7beadb80f9023f89718210dcf3b52dd51ba419c6"),
    "pictures.npy": (pictures, "84bfe8357d285ad6713a6144c1c1152413f8f38dec07e2396dabfd9dc14553c3"),
}


def main():
    for name, (address, known) in MODELS.items():
        path = HERE / name
        data = path.read_bytes() if path.exists() else fetch(address)
        if hashlib.sha256(data).hexdigest() != known:
            raise SystemExit(f"{name}: not the file that we know")
        path.write_bytes(data)
        print(f"{name}: here")
    for name, (make, known) in INPUTS.items():
        path = HERE / name
        data = np.load(path) if path.exists() else make()
        if hashlib.sha256(data.tobytes()).hexdigest() != known:
            raise SystemExit(f"{name}: not the inputs that we know: {data.shape}")
        np.save(path, data)
        print(f"{name}: here")


if __name__ == "__main__":
    main()
