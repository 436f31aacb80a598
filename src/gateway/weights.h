/*
 * Weights
 *
 * What the gateway says of costs that were learnt.
 */
#ifndef GATEWAY_WEIGHTS_H
#define GATEWAY_WEIGHTS_H

#include "core/evidence.h"

/* Logs a cost that is not what was charged; nothing when @finding has no variant. */
void weights_tell(const struct region *region, const struct evidence_finding *finding);

#endif
