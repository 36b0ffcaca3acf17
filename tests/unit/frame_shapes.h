/* SPDX-License-Identifier: MIT */
/* Frames of every shape that a walk meets: functions that do nothing but call another one, each in its own way. */
#ifndef MP_FRAME_SHAPES_H
#define MP_FRAME_SHAPES_H

#include <stddef.h>

/* What a shape calls. It finds what it needs in variables: not every way of calling hands arguments on. */
typedef void shape_callee(void);

struct shape {
	const char *name;
	void (*call)(shape_callee *callee);
};

extern const struct shape frame_shapes[];
extern const size_t frame_shape_count;

/* Calls CALLEE out of code that has no unwind information. */
void frame_shape_without_info(shape_callee *callee);

/* Calls CALLEE on another stack, of which TOP is the end. */
void frame_shape_other_stack(shape_callee *callee, void *top);

#endif
