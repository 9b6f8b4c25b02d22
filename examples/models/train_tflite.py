"""Trains a small CNN with Keras and converts it to a TFLite model of 8-bit integers throughout.

    python3 train_tflite.py

Writes digits.tflite (inputs and outputs int8, weights of convolutions per channel) and digits_float.npz, the same weights before
quantization, from which convert_onnx.py makes the ONNX models.
"""

import os

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np
import tensorflow as tf

from digits import HERE, load


def network(batch=None):
    """1 → 6 channels (3×3, stride 2), 6 → 12 (3×3), dense: images in 0 … 1, logits out."""
    return keras.Sequential([
        keras.Input((8, 8), batch_size=batch, name="image"),
        keras.layers.Reshape((8, 8, 1)),
        keras.layers.Conv2D(6, 3, strides=2, padding="same", activation="relu", name="conv1"),
        keras.layers.Conv2D(12, 3, activation="relu", name="conv2"),
        keras.layers.Flatten(),
        keras.layers.Dense(10, name="logits"),
    ])


def train(images, labels):
    model = network()
    model.compile(
        optimizer=keras.optimizers.AdamW(3e-3, weight_decay=0.02),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    # A little noise, so that the network does not hang on single grey levels.
    noise = np.random.default_rng(1).normal(0, 0.08, images.shape)
    seen = np.concatenate([images / 255, np.clip(images / 255 + noise, 0, 1)])
    model.fit(seen, np.concatenate([labels, labels]), batch_size=32, epochs=40, verbose=0)
    return model


def with_bytes_as_inputs(model):
    """The same network for inputs 0 … 255: the division by 255 moves into the first layer's weights.

    The batch is 1, so that the converter computes all shapes: for any batch it writes operators that compute them at run time.
    """
    same = network(batch=1)
    same.set_weights(model.get_weights())
    kernel, bias = same.get_layer("conv1").get_weights()
    same.get_layer("conv1").set_weights([kernel / 255, bias])
    return same


def to_tflite(model, images):
    def samples():
        # The full range first, so that the input's scale is 1 and its zero point -128: a pixel's byte minus 128.
        yield [np.linspace(0, 255, 64, dtype=np.float32).reshape(1, 8, 8)]
        for image in images[:300]:
            yield [image[None].astype(np.float32)]

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def accuracy(content, images, labels):
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    assert into["quantization"] == (1.0, -128), into["quantization"]
    right = 0
    for image, label in zip(images, labels):
        interpreter.set_tensor(into["index"], (image[None].astype(np.int16) - 128).astype(np.int8))
        interpreter.invoke()
        right += int(interpreter.get_tensor(out["index"])[0].argmax() == label)
    return right / len(labels)


def main():
    keras.utils.set_random_seed(7)
    images, test_images, labels, test_labels = load()
    model = train(images, labels)
    print(f"float: {model.evaluate(test_images / 255, test_labels, verbose=0)[1]:.4f} of the test images")
    model = with_bytes_as_inputs(model)
    names = ["conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "logits.weight", "logits.bias"]
    np.savez_compressed(HERE / "digits_float.npz", **dict(zip(names, model.get_weights())))
    content = to_tflite(model, images)
    print(f"int8: {accuracy(content, test_images, test_labels):.4f}")
    (HERE / "digits.tflite").write_bytes(content)


if __name__ == "__main__":
    main()
