#include <cblas.h>

// Some eigenvalues of a symmetric matrix and their eigenvectors, from LAPACK, which OpenBLAS has without a header.
void dsyevx_(
    const char *job, const char *range, const char *triangle, blasint *n, double *a, blasint *lda, double *low,
    double *high, blasint *first, blasint *last, double *tolerance, blasint *found, double *values, double *vectors,
    blasint *ldz, double *work, blasint *work_count, blasint *integers, blasint *failed, blasint *status);

// Ends the threads that OpenBLAS starts when it is loaded; not every variant has some.
extern int blas_thread_shutdown_(void) __attribute__((weak));
static inline void end_blas_threads(void) {
  if (blas_thread_shutdown_) blas_thread_shutdown_();
}
