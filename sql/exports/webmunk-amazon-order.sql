-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: Amazon orders
-- generators: webmunk-amazon-order
-- packaging: file
-- order: newest
-- columns: W6
--   Order Number
--   Order Date = day
--   Item ASIN
--   Item Title
--   Item Seller
--   Item Condition
--   Item Price
--   Item URL
--   Order Subtotal
--   Order Pretax Total
--   Order Tax
--   Order Shipping
--   Order Total
--   Destination
--   Delivery Date
-- A row for each item.
SELECT {point},
       p.properties->'order-number',
       p.properties->'order-date',
       i.item->'asin',
       i.item->'title',
       i.item->'seller',
       i.item->'condition',
       i.item->'price',
       i.item->'url',
       p.properties->'order-subtotal',
       p.properties->'order-pretax-total',
       coalesce(p.properties->'order-tax', p.properties->'order-Tax'),
       p.properties->'order-shipping',
       p.properties->'order-total',
       p.properties->'order-destination',
       p.properties->'order-delivered'
  FROM {points} p
 CROSS JOIN LATERAL
       jsonb_array_elements(CASE jsonb_typeof(p.properties->'items')
                            WHEN 'array' THEN p.properties->'items' ELSE '[]' END) i(item)
