# SPDX-License-Identifier: Apache-2.0
# What bench/ingest and bench/export run; bench/README says how to read it.
noinst_PROGRAMS += \
	bench/corpus \
	bench/decode \
	bench/deflate \
	bench/loader \
	bench/select

bench_corpus_SOURCES = \
	bench/corpus.c bench/corpus.h \
	bench/corpus_json.c bench/corpus_json.h \
	bench/corpus_points.c
bench_corpus_LDADD = $(WM_LIBS)

bench_decode_SOURCES = bench/decode.c
bench_decode_LDADD = $(WM_LIBS)

bench_deflate_SOURCES = bench/deflate.c
bench_deflate_LDADD = $(WM_LIBS)

bench_loader_SOURCES = \
	bench/loader.c bench/loader.h \
	bench/loader_corpus.c
bench_loader_LDADD = $(WM_LIBS) -lpthread

bench_select_SOURCES = bench/select.c
bench_select_LDADD = $(WM_LIBS)

EXTRA_DIST += \
	bench/README \
	bench/Servers.pm \
	bench/Uploads.pm \
	bench/export \
	bench/ingest \
	bench/ingest.lua
