"""Measures Keras' training step on the model, batch and optimizer of bench/step-worker.ts, data in memory."""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

size, batch, steps = (int(argument) for argument in sys.argv[1:4])
layers = tf.keras.layers

model = tf.keras.Sequential([layers.Input((size, size, 3)), layers.Rescaling(1 / 255)])
for filters in (32, 64, 128):
    model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
    model.add(layers.MaxPooling2D(2))
model.add(layers.Flatten())
model.add(layers.Dropout(0.5))
model.add(layers.Dense(128, activation="relu"))
model.add(layers.Dense(4, activation="softmax"))
model.compile(tf.keras.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])

random = np.random.default_rng(20)
pictures = random.integers(0, 256, (batch * (steps + 1), size, size, 3), dtype=np.uint8)
labels = np.arange(len(pictures)) % 4


class Clock(tf.keras.callbacks.Callback):
    """Times all steps but the first, which starts `fit`'s pipeline."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 0:
            self.started = time.perf_counter()
        self.ended = time.perf_counter()


def measure():
    clock = Clock()
    model.fit(pictures, labels, batch_size=batch, epochs=1, shuffle=False, verbose=0, callbacks=[clock])
    print(json.dumps({"value": batch * steps / (clock.ended - clock.started)}), flush=True)


measure()
for _ in sys.stdin:
    measure()
