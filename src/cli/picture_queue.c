#include "cli/picture.h"

unsigned picture_queue(struct sheet *s, struct picture_box box, const json_t *now)
{
        json_int_t age_ms = picture_number(now, "age_ms");
        unsigned row = box.row, col = box.col, width = 0;
        const json_t *class;
        size_t i;

        if (json_array_size(json_object_get(now, "queue")) == 0 || row >= box.end_row)
                return 0;
        json_array_foreach(json_object_get(now, "queue"), i, class)
        {
                json_int_t waiting = picture_number(class, "waiting");
                bool is_paused = json_is_true(json_object_get(class, "paused"));
                char text[128], count[PICTURE_COUNT_SIZE], oldest[PICTURE_TIME_SIZE];

                snprintf(text, sizeof(text), "%s %s%s%s%s", picture_text(class, "class"),
                         picture_count(waiting, count), waiting > 0 ? ", " : "",
                         waiting > 0
                                 ? picture_time(picture_number(class, "oldest_ms") + age_ms, oldest)
                                 : "",
                         is_paused ? " paused" : "");
                width = sheet_width(text);
                if (col > box.col && col + width > box.end) {
                        if (++row >= box.end_row)
                                return row - box.row;
                        col = box.col;
                }
                sheet_put(s, row, col, box.end,
                          is_paused     ? SHEET_WARN
                          : waiting > 0 ? SHEET_BOLD
                                        : SHEET_DIM,
                          "%s", text);
                col += width + 3;
        }
        return row + 1 - box.row;
}
