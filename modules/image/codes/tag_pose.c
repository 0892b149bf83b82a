// SPDX-License-Identifier: MIT
// Where a tag is, from the way it is distorted.
#include <math.h>

#include "codes.h"

// The columns of the homography are, but for a factor, two axes of the tag and its place, seen
// through the camera. As in OpenMV the camera looks towards negative z.
void code_tag_pose(const code_tag_t *t, double fx, double fy, double cx, double cy, double xyz[3], double rotation[3]) {
    double m[3][3]; // columns: x axis, y axis, place
    fx = -fx;
    for (int c = 0; c < 3; c++) {
        double z = t->h[6 + c];
        m[0][c] = (t->h[c] - cx * z) / fx;
        m[1][c] = (t->h[3 + c] - cy * z) / fy;
        m[2][c] = z;
    }
    double a = sqrt(m[0][0] * m[0][0] + m[1][0] * m[1][0] + m[2][0] * m[2][0]);
    double b = sqrt(m[0][1] * m[0][1] + m[1][1] * m[1][1] + m[2][1] * m[2][1]);
    double s = a * b > 1e-18 ? 1 / sqrt(a * b) : 0;
    s = m[2][2] > 0 ? -s : s;
    for (int i = 0; i < 9; i++) {
        m[i / 3][i % 3] *= s;
    }
    for (int i = 0; i < 3; i++) {
        xyz[i] = m[i][2];
    }
    double third[3] = {
        m[1][0] * m[2][1] - m[2][0] * m[1][1], m[2][0] * m[0][1] - m[0][0] * m[2][1], m[0][0] * m[1][1] - m[1][0] * m[0][1],
    };
    rotation[0] = atan2(m[2][1], third[2]);
    rotation[1] = atan2(-m[2][0], sqrt(m[2][1] * m[2][1] + third[2] * third[2]));
    rotation[2] = atan2(m[1][0], m[0][0]);
    for (int i = 0; i < 3; i++) {
        rotation[i] += rotation[i] < 0 ? 2 * 3.14159265358979323846 : 0;
    }
}
