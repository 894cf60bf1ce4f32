// FRAMELIFT_HD: in front of functions that nvcc compiles for the GPU as well.
#pragma once

#ifdef __CUDACC__
#define FRAMELIFT_HD __host__ __device__
#else
#define FRAMELIFT_HD
#endif
