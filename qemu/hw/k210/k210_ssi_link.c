/*
 * A part on pads that more than one SPI controller can be put on
 *
 * The card slot's pads are free: MaixPy gives them to SPI1, other programs to
 * SPI0. The part lives on one bus, and this is its ear on the other. The chip
 * select is the part's own, from its pad.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "hw/qdev-properties.h"
#include "hw/k210/k210_ssi_link.h"

static uint32_t link_transfer(SSIPeripheral *dev, uint32_t value)
{
    K210SsiLink *s = K210_SSI_LINK(dev);

    /* The chip select is low when the part listens. */
    if (k210_fpioa_func_of(s->fpioa, s->pad) != s->function || s->part->cs) {
        /* With its clock not on the LCD's pad either, the line is idle. */
        return k210_fpioa_func_of(s->fpioa, s->lcd_wr) == K210_FUNC_SPI0_SCLK
               ? 0 : 0xff;
    }
    return SSI_PERIPHERAL_GET_CLASS(s->part)->transfer_raw(s->part, value);
}

static void link_realize(SSIPeripheral *dev, Error **errp)
{
    K210SsiLink *s = K210_SSI_LINK(dev);

    if (!s->part || !s->fpioa || s->pad >= K210_NPADS ||
        s->lcd_wr >= K210_NPADS) {
        error_setg(errp, "k210-ssi-link: needs a part, the fpioa and pads");
    }
}

static const Property link_properties[] = {
    DEFINE_PROP_LINK("part", K210SsiLink, part, TYPE_SSI_PERIPHERAL,
                     SSIPeripheral *),
    DEFINE_PROP_LINK("fpioa", K210SsiLink, fpioa, TYPE_K210_FPIOA,
                     K210FpioaState *),
    DEFINE_PROP_UINT32("pad", K210SsiLink, pad, K210_NPADS),
    DEFINE_PROP_UINT32("lcd-wr", K210SsiLink, lcd_wr, 0),
    DEFINE_PROP_UINT32("function", K210SsiLink, function, 0),
};

static void link_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    SSIPeripheralClass *k = SSI_PERIPHERAL_CLASS(klass);

    dc->desc = "another controller's way to an SPI part of a K210 board";
    device_class_set_props(dc, link_properties);
    k->realize = link_realize;
    k->transfer = link_transfer;
    k->cs_polarity = SSI_CS_NONE;
}

static const TypeInfo link_types[] = {
    {
        .name = TYPE_K210_SSI_LINK,
        .parent = TYPE_SSI_PERIPHERAL,
        .instance_size = sizeof(K210SsiLink),
        .class_init = link_class_init,
    },
};

DEFINE_TYPES(link_types)
