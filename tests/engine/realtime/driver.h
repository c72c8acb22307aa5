/* The commands of the driver, one file each, and what they share. What a command is for stands at the head of driver.c. */
#ifndef DRIVER_H
#define DRIVER_H

#include "walk.h"

#include <stddef.h>

/* The exit code that says that this machine does not let itself be watched. */
enum { CANNOT = 77 };

/* A line, and the end. */
void fail(const char *what);

/* A whole file, with a byte more of room. */
void *read_file(const char *path, size_t *size);

pylstm_model *read_model(const char *path);

/* A walk for each model, the next one's snapshots being foreign to it. */
walk **walks_of(char **paths, int n);

/* allocations.c */
int count_calls(char **paths, int n);
void control(const char *path);

/* floating_point_modes.c */
int try_modes(char **paths, int n);

/* system_calls.c */
int push_sealed(long seconds, char **paths, int n);
int break_seal(const char *path);

/* instructions.c */
int count_steps(char **arguments, int n);
int count_listener_steps(const char *path);

#endif
