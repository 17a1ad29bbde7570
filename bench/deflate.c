/* SPDX-License-Identifier: Apache-2.0 */
/* How fast zlib alone packs what an export packs: no export can be faster than that. */
#include <stdio.h>
#include <stdlib.h>

#include <apr_time.h>
#include <zlib.h>

static const char usage_text[] = "usage: deflate LEVEL < FILE\n"
                                 "\n"
                                 "Prints the time that zlib takes, reading and writing left out.\n";

enum { BLOCK_SIZE = 256 * 1024, MEM_LEVEL = 9 };

/* Pack SIZE bytes of IN; returns how many they become. */
static long long pack(z_stream *z, unsigned char *in, size_t size, unsigned char *out, int flush)
{
    long long packed = 0;

    z->next_in = in;
    z->avail_in = (uInt)size;
    do {
        z->next_out = out;
        z->avail_out = BLOCK_SIZE;
        deflate(z, flush);
        packed += BLOCK_SIZE - z->avail_out;
    } while (!z->avail_out);
    return packed;
}

int main(int argc, char **argv)
{
    static unsigned char in[BLOCK_SIZE], out[BLOCK_SIZE];
    long long bytes = 0, packed = 0;
    apr_time_t took = 0, begin;
    z_stream z = {0};
    size_t size;

    if (argc != 2 || argv[1][0] < '1' || argv[1][0] > '9' || argv[1][1]) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (deflateInit2(&z, argv[1][0] - '0', Z_DEFLATED, -MAX_WBITS, MEM_LEVEL, Z_DEFAULT_STRATEGY))
        return 1;
    do {
        size = fread(in, 1, sizeof in, stdin);
        begin = apr_time_now();
        packed += pack(&z, in, size, out, size ? Z_NO_FLUSH : Z_FINISH);
        took += apr_time_now() - begin;
        bytes += (long long)size;
    } while (size);
    deflateEnd(&z);
    printf("bytes %lld packed %lld seconds %.6f\n", bytes, packed, (double)took / APR_USEC_PER_SEC);
    return 0;
}
