/* When events are given: as early as they are likely, or once nothing changes them any more. */
#ifndef PYLSTM_DECISIONS_REPORT_H
#define PYLSTM_DECISIONS_REPORT_H

enum { PYLSTM_REPORT_EARLY, PYLSTM_REPORT_FINAL };

/* Their names in settings. */
extern const char *const pylstm_reports[];

#endif
