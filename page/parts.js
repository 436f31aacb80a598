/* What a window is full of. Touches no node. */
import { is_number } from "./format.js";

/* The parts of a limit, as a snapshot has them. Everything in units of the budget. Only what is free is kept for others. */
export function parts_of(budget) {
        const used = budget.used || 0, foreign = Math.min(budget.foreign || 0, used);
        const ours = is_number(budget.ours) ? Math.min(budget.ours, used) : used - foreign;
        const flying = Math.min(budget.in_flight || 0, ours), held = budget.held || 0;
        const limit = budget.limit || 0, scale = Math.max(limit, used + held, 1);

        return { used, ours, flying, foreign: Math.max(foreign, used - ours), held, limit, scale,
                 expected: Math.min(budget.expected || 0, Math.max(0, limit - used - held)),
                 total: used + held };
}
