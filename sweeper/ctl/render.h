/*
 * render: captures and bundles as text for people. Pure: everything, the time too, is passed in.
 *
 * Thread: any.
 */
#ifndef RESCUE_SWEEPER_CTL_RENDER_H
#define RESCUE_SWEEPER_CTL_RENDER_H

#include "sweeper/ctl/sections.h"
#include "sweeper/ctl/style.h"

/* The table of `list`. `captures` is an array of captures. */
enum status render_list(const struct style *style, const struct jdoc *captures, int64_t now_real_ns, struct buf *out);

/* The head of `show`: which capture, why, and how far it came. */
void render_capture(const struct style *style, const struct jdoc *capture, struct buf *out);

/* One section: its head with outcome, size and redactions, then the content. */
void render_section(const struct style *style, const struct section_view *section, struct buf *out);

/* "52 ms", "3.4 s", "12 m", "5 h", "3 d". */
void render_duration(int64_t ns, struct buf *out);

/* The colour that a state or an outcome has. */
enum style_color render_color(struct span name);

#endif
