#include <cblas.h>

// Some eigenvalues of a symmetric matrix and their eigenvectors, from LAPACK, which OpenBLAS has without a header.
void dsyevx_(
    const char *job, const char *range, const char *triangle, blasint *n, double *a, blasint *lda, double *low,
    double *high, blasint *first, blasint *last, double *tolerance, blasint *found, double *values, double *vectors,
    blasint *ldz, double *work, blasint *work_count, blasint *integers, blasint *failed, blasint *status);
