"""Runs the study as its authors did: pictures decoded and resized in each epoch, VGG16 from end to end, each run from scratch."""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

folder, size, runs = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
L = tf.keras.layers
preprocess = tf.keras.applications.vgg16.preprocess_input


def cnn(normalized):
    layers = [L.Input((size, size, 3)), L.Rescaling(1 / 255)]
    for filters in (32, 64, 128):
        layers.append(L.Conv2D(filters, 3, padding="same", use_bias=not normalized))
        layers += [L.BatchNormalization()] if normalized else []
        layers += [L.ReLU(), L.MaxPooling2D()]
    return tf.keras.Sequential([*layers, L.Flatten(), L.Dropout(0.5), L.Dense(128, "relu"), L.Dense(4, "softmax")])


def vgg16():
    frozen = tf.keras.applications.VGG16(include_top=False, weights=None, input_shape=(size, size, 3))
    frozen.trainable = False
    head = [L.Flatten(), L.Dense(128, "relu"), L.Dropout(0.5), L.Dense(4, "softmax")]
    return tf.keras.Sequential([frozen, *head])


models = {
    "cnn1": (lambda: cnn(False), tf.keras.optimizers.Nadam, None),
    "cnn2": (lambda: cnn(True), tf.keras.optimizers.Adam, None),
    "vgg16": (vgg16, tf.keras.optimizers.Adam, preprocess),
}

started = time.perf_counter()
for build, optimizer, prepare in models.values():
    for run in runs:
        sides = [
            tf.keras.utils.image_dataset_from_directory(
                os.path.join(folder, side), image_size=(size, size), batch_size=run["batch"], seed=20
            )
            for side in ("train", "validation")
        ]
        if prepare is not None:
            sides = [side.map(lambda x, y: (prepare(x), y)) for side in sides]
        train, validation = [side.prefetch(tf.data.AUTOTUNE) for side in sides]
        model = build()
        model.compile(optimizer(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(train, validation_data=validation, epochs=run["epochs"], verbose=0)
print(json.dumps({"value": time.perf_counter() - started}), flush=True)
