/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child_ref.c: the port itself as a child of gomap-conform, at all levels.
 *
 *     build/gcc/gomap-conform -- build/gcc/conform/child_ref
 */
#include <stdio.h>
#include <stdlib.h>

#include "../conform_port.h"

int main(void)
{
    static port p;
    static char line[4 * wire_room];
    port_may_fail();
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *said;
        if (strcmp(line, "hello 1") == 0) {
            printf("hello 1 levels=map,range,structure,memory ptrsize=%d modes=exact,strict name=gomap ref\n",
                   (int)PtrSize);
            said = NULL;
        } else {
            said = port_answer(&p, line);
            puts(said != NULL ? said : "unsupported");
        }
        fflush(stdout);
    }
    gm_map_free(&p.t, p.h);
    return 0;
}
