/*
 * kube: the values of a Kubernetes Secret, whatever they are called: everything below data and stringData, in YAML and
 * in JSON.
 *
 * Pure; thread: any.
 */
#ifndef RESCUE_SHARED_REDACT_KUBE_H
#define RESCUE_SHARED_REDACT_KUBE_H

#include "shared/redact/finding.h"
#include "shared/span.h"

/* A document is looked at no further than so many bytes to either side of its kind. */
enum { KUBE_MAX_DOCUMENT = 32 * 1024 };

/* "kind" stands at `at`. *ret_end is where the document ends when it is a Secret, else behind the word. */
void kube_find(struct span text, size_t at, struct findings *findings, size_t *ret_end);

#endif
