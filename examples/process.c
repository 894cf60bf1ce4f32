/* A network over a video in C: cc process.c -lframelift
 *   process MODEL IN OUT          upscales, or whatever the model does
 *   process MODEL IN OUT MASK     of models that find classes: mask, alpha, composite, overlay, ... */
#include <framelift/framelift.h>
#include <stdio.h>

static int show(const framelift_progress* p, void* user) {
  (void)user;
  fprintf(stderr, "\rframe %lld, %.2f fps, limited by %s ", (long long)p->frames, p->fps, p->limiting_stage);
  return 0; /* anything else stops early */
}

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return fprintf(stderr, "usage: %s MODEL IN OUT [MASK]\n", argv[0]), 2;
  framelift_network* network = NULL;
  if (framelift_network_open(argv[1], &network) != FRAMELIFT_OK)
    return fprintf(stderr, "%s\n", framelift_last_error()), 1;
  framelift_video_options options = FRAMELIFT_VIDEO_OPTIONS_INIT;
  options.overwrite = 1;
  options.on_progress = show;
  if (argc == 5) options.mask_output = argv[4];
  const framelift_status status = framelift_process_video(network, argv[2], argv[3], &options);
  framelift_network_close(network);
  fprintf(stderr, "\n");
  if (status != FRAMELIFT_OK) return fprintf(stderr, "%s\n", framelift_last_error()), 1;
  return 0;
}
