#include "cli/status_picture.h"

#include "cli/picture.h"
#include "cli/terminal.h"

/* Wider than that a bar tells no more, and its ends are far apart. */
#define COLS_MAX 200u

static void draw(struct sheet *s, const json_t *now)
{
        static const struct picture_budgets how = { .has_details = true };
        struct picture_box box = { 0, s->rows, 0, s->cols };

        box.row += picture_alarms(s, box, now);
        box.row += box.row > 0;
        box.row += picture_budgets(s, box, now, &how);
        if (json_array_size(json_object_get(now, "budgets")) == 0)
                return;
        box.row += s->cols >= TERMINAL_COLS;
        picture_legend(s, box);
}

bool status_picture(const struct look *look)
{
        unsigned cols = terminal_cols();
        json_t *now = look_json(look, NULL);
        struct sheet sheet;

        if (!now)
                return false;
        if (sheet_init(&sheet, SHEET_ROWS_MAX, cols < COLS_MAX ? cols : COLS_MAX,
                       terminal_has_unicode()) < 0) {
                json_decref(now);
                return false;
        }
        draw(&sheet, now);
        sheet_print(&sheet, stdout, terminal_has_colours());
        sheet_deinit(&sheet);
        json_decref(now);
        return true;
}
