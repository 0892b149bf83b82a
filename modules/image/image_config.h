// SPDX-License-Identifier: MIT
// Groups of the image module that a board can leave out (IMAGE_WITHOUT in mpconfigboard.mk).
#ifndef K210_IMAGE_CONFIG_H
#define K210_IMAGE_CONFIG_H

#ifndef IMAGE_WITH_FILTERS          // filters, arithmetic, morphology, tone
#define IMAGE_WITH_FILTERS          (1)
#endif
#ifndef IMAGE_WITH_STATISTICS       // histograms, statistics, similarity
#define IMAGE_WITH_STATISTICS       (1)
#endif
#ifndef IMAGE_WITH_SHAPES           // blobs, regression, lines, circles, rectangles, edges
#define IMAGE_WITH_SHAPES           (1)
#endif
#ifndef IMAGE_WITH_GEOMETRY         // lens and rotation correction, polar pictures, pooling
#define IMAGE_WITH_GEOMETRY         (1)
#endif
#ifndef IMAGE_WITH_MATCHING         // template, displacement
#define IMAGE_WITH_MATCHING         (1)
#endif
#ifndef IMAGE_WITH_FEATURES         // keypoints, LBP, HOG, cascades, selective search
#define IMAGE_WITH_FEATURES         (1)
#endif
#ifndef IMAGE_WITH_CASCADES         // the built-in ones, frontalface and eye; wants FEATURES
#define IMAGE_WITH_CASCADES         (1)
#endif

#ifndef IMAGE_WITH_SPEED            // the second processor, and loops for the usual case
#define IMAGE_WITH_SPEED            (1)
#endif

#ifndef IMAGE_WITH_STREAMS          // ImageReader, ImageWriter, dump_roi
#define IMAGE_WITH_STREAMS          (1)
#endif

#ifndef IMAGE_WITH_QRCODES          // by quirc
#define IMAGE_WITH_QRCODES          (1)
#endif
#ifndef IMAGE_WITH_BARCODES
#define IMAGE_WITH_BARCODES         (1)
#endif
#ifndef IMAGE_WITH_APRILTAGS        // by apriltag
#define IMAGE_WITH_APRILTAGS        (1)
#endif
#ifndef IMAGE_WITH_DATAMATRICES     // by libdmtx
#define IMAGE_WITH_DATAMATRICES     (1)
#endif

#endif
