#include "gateway/weights.h"
#include "base/log.h"
#include "budget/weights.h"

void weights_tell(const struct region *region, const struct evidence_finding *finding)
{
        char name[WEIGHTS_NAME_SIZE];
        struct evidence_view view = { 0 };
        const struct evidence *e = evidence_find(region, finding->variant);

        if (!e ||
            !weights_differ(finding->variant, finding->kind, finding->charged, finding->learnt))
                return;
        evidence_look(e, finding->variant, finding->kind, &view);
        weights_name(finding->variant, finding->kind, view.name, name, sizeof(name));
        log_event(LOG_WARN, "weight_mismatch", "what=\"%s\" table=%u learnt=%u charged=%u", name,
                  finding->charged, finding->learnt,
                  finding->learnt > finding->charged ? finding->learnt : finding->charged);
}
