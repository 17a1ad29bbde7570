# SPDX-License-Identifier: Apache-2.0
# What bench/ingest runs; bench/README says how to read it.
bench_programs = \
	bench/corpus
noinst_PROGRAMS += $(bench_programs)

bench_corpus_SOURCES = \
	bench/corpus.c bench/corpus.h \
	bench/corpus_json.c bench/corpus_json.h \
	bench/corpus_points.c
bench_corpus_LDADD = $(WM_LIBS)
