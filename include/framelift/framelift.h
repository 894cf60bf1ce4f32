/* framelift: neural networks over video. The C interface; framelift.hpp is a thin C++ layer over it.
 *
 * Stable ABI: functions are only ever added. Structures that callers fill begin with their size, so that a program
 * built against an older header keeps working with a newer library.
 *
 * Errors: every function that can fail returns a framelift_status; framelift_last_error() then gives one line of text
 * with the file's name and the remedy. Nothing throws, aborts or exits. On failure output arguments are untouched.
 *
 * Threads: different objects may be used from different threads at the same time. So may one framelift_network, which
 * is immutable once open, and one framelift_engine, whose runs take turns or go together (max_batch).
 *
 * Example:
 *   framelift_network* network = NULL;
 *   if (framelift_network_open("animevideov3", &network) != FRAMELIFT_OK)
 *     return fprintf(stderr, "%s\n", framelift_last_error()), 1;
 *   framelift_video_options options = FRAMELIFT_VIDEO_OPTIONS_INIT;
 *   options.overwrite = 1;
 *   framelift_status status = framelift_process_video(network, "in.mp4", "out.mkv", &options);
 *   framelift_network_close(network);
 */
#ifndef FRAMELIFT_FRAMELIFT_H
#define FRAMELIFT_FRAMELIFT_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FRAMELIFT_API __attribute__((visibility("default")))
#else
#define FRAMELIFT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum framelift_status {
  FRAMELIFT_OK = 0,
  FRAMELIFT_INVALID_ARGUMENT = 1, /* a request that makes no sense */
  FRAMELIFT_NOT_FOUND = 2,        /* file, model, codec or device does not exist */
  FRAMELIFT_ALREADY_EXISTS = 3,   /* the output is there and overwrite was not set */
  FRAMELIFT_INVALID_DATA = 4,     /* a file is damaged, truncated or of another kind */
  FRAMELIFT_UNSUPPORTED = 5,      /* understood, but this build or device cannot do it */
  FRAMELIFT_IO = 6,               /* read, write or network failure, full disk */
  FRAMELIFT_OUT_OF_MEMORY = 7,
  FRAMELIFT_CANCELLED = 8, /* a progress callback asked to stop before any frame was written */
  FRAMELIFT_INTERNAL = 9   /* a bug in framelift */
} framelift_status;

/* "0.1.0". Static memory. */
FRAMELIFT_API const char* framelift_version(void);

/* What went wrong in the last failed call on this thread. Valid until the next framelift call on this thread. */
FRAMELIFT_API const char* framelift_last_error(void);

/* ---- networks: weights and what they mean ---- */

typedef struct framelift_network framelift_network;

/* Opens an installed model by name or a weight file by path (safetensors, PyTorch, ncnn), checks every tensor and
 * stores the network in *network. The caller closes it. */
FRAMELIFT_API framelift_status framelift_network_open(const char* name_or_path, framelift_network** network);
FRAMELIFT_API void framelift_network_close(framelift_network* network); /* NULL is allowed */

/* Output pixels per input pixel on each axis, e.g. 4. */
FRAMELIFT_API int framelift_network_scale(const framelift_network* network);
/* Input width and height must be multiples of this for framelift_engine (video jobs pad by themselves). */
FRAMELIFT_API int framelift_network_alignment(const framelift_network* network);

/* ---- engines: a network compiled for one picture size ---- */

typedef struct framelift_engine framelift_engine;

typedef struct framelift_engine_options {
  size_t struct_size;    /* sizeof(framelift_engine_options) */
  const char* backend;   /* NULL or "auto", "openvino", "reference" */
  const char* precision; /* NULL or "auto", "f32", "bf16" */
  int threads;           /* 0: all */
  /* Pictures of several callers that run together, 1 to 64; 0: 1. Calls of framelift_engine_run that are made while
   * another one runs then become one run of the network, which GPUs and small networks do faster than one after the
   * other; a call that finds the engine free runs at once. Takes memory for twice as many pictures, and compiles for
   * 1, 2, 4, ... of them. */
  int max_batch;
} framelift_engine_options;
#define FRAMELIFT_ENGINE_OPTIONS_INIT \
  { sizeof(framelift_engine_options), NULL, NULL, 0, 0 }

/* Compiles for pictures of width x height pixels. `options` may be NULL. The engine keeps what it needs of the network,
 * which may be closed afterwards. The caller destroys the engine. */
FRAMELIFT_API framelift_status framelift_engine_create(const framelift_network* network, int width, int height,
                                                       const framelift_engine_options* options,
                                                       framelift_engine** engine);
FRAMELIFT_API void framelift_engine_destroy(framelift_engine* engine); /* NULL is allowed */

/* Runs the network on one picture and waits; from any number of threads at the same time. Both buffers are the
 * caller's, contiguous float32 planes R, G, B with 0 = black and 1 = white: source has 3 * height * width values,
 * target 3 * (height*scale) * (width*scale). Values may leave [0, 1] slightly; clamp before quantising. What a picture
 * becomes does not depend on those it runs with, beyond the rounding of floats. Destroy the engine when all calls are
 * back. */
FRAMELIFT_API framelift_status framelift_engine_run(framelift_engine* engine, const float* source, float* target);

/* ---- whole videos and pictures ---- */

typedef struct framelift_progress {
  int64_t frames;             /* written so far */
  int64_t total_frames;       /* 0: unknown */
  double fps;                 /* since the start */
  double seconds_left;        /* below 0: unknown */
  const char* limiting_stage; /* "decode", "network", "encode", ...; static memory */
} framelift_progress;

typedef struct framelift_video_options {
  size_t struct_size;  /* sizeof(framelift_video_options) */
  const char* backend; /* as in framelift_engine_options */
  const char* precision;
  int threads;
  const char* encoder;  /* NULL: by the output's name and depth, e.g. libx264 */
  double crf;           /* below 0: the encoder's sensible default */
  int overwrite;        /* not 0: replace an existing output */
  int64_t max_frames;   /* 0: all */
  int64_t memory_bytes; /* for the network; 0: half of what is free */
  /* Called after each frame on a thread of the job; return 0 to go on, anything else to stop early. What was written
   * until then stays and is playable. NULL: no calls. */
  int (*on_progress)(const framelift_progress* progress, void* user);
  void* user;
  /* Of networks that find classes. */
  const char* mask_output;     /* NULL or "mask" (gray), "classes", "colors", "alpha", "composite", "overlay" */
  const char* mask_classes;    /* names or numbers with commas; NULL: person where the network knows people, else all */
  const char* mask_background; /* of composites: "#RRGGBB", "blur", "blur:PERCENT", a picture or video; NULL: green */
} framelift_video_options;
#define FRAMELIFT_VIDEO_OPTIONS_INIT \
  { sizeof(framelift_video_options), NULL, NULL, 0, NULL, -1.0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL }

/* Runs the network over every frame of `input` and writes `output`: the larger or HDR picture, or what mask_output says
 * of the classes that it finds, at the input's size. Copies audio, subtitles, chapters and metadata.
 * `options` may be NULL. The output appears under its name only when it is complete. */
FRAMELIFT_API framelift_status framelift_process_video(const framelift_network* network, const char* input,
                                                       const char* output, const framelift_video_options* options);

#ifdef __cplusplus
}
#endif

#endif /* FRAMELIFT_FRAMELIFT_H */
