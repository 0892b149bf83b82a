// SPDX-License-Identifier: MIT
// qstrs specific to this port, only needed if they aren't auto-generated.
// *FORMAT-OFF*
Q(/flash)
Q(/flash/lib)
Q(/lib)
