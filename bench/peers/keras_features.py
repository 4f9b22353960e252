"""Measures Keras' `predict` of VGG16's convolutions on pictures that lie prepared in memory."""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

size, count = (int(argument) for argument in sys.argv[1:3])
model = tf.keras.applications.VGG16(include_top=False, weights=None, input_shape=(size, size, 3))
pictures = np.random.default_rng(20).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
prepared = tf.keras.applications.vgg16.preprocess_input(pictures.astype("float32"))


def measure():
    started = time.perf_counter()
    model.predict(prepared, batch_size=32, verbose=0)
    print(json.dumps({"value": count / (time.perf_counter() - started)}), flush=True)


measure()
for _ in sys.stdin:
    measure()
