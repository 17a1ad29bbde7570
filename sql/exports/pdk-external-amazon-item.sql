-- SPDX-License-Identifier: Apache-2.0
-- title: External data: Amazon items
-- generators: pdk-external-amazon-item
-- packaging: source
-- order: oldest
-- columns: P5L
--   Order Date = required
--   Order ID = required
--   Title
--   Category
--   ASIN/ISBN
--   UNSPSC Code
--   Website
--   Release Date
--   Condition
--   Seller
--   Seller Credentials
--   List Price Per Unit
--   Purchase Price Per Unit
--   Quantity
--   Payment Instrument Type = empty
--   Purchase Order Number = empty
--   PO Line Number = empty
--   Ordering Customer Email = empty
--   Shipment Date
--   Shipping Address Name = empty
--   Shipping Address Street 1 = empty
--   Shipping Address Street 2 = empty
--   Shipping Address City = empty
--   Shipping Address State = empty
--   Shipping Address Zip
--   Order Status
--   Carrier Name & Tracking Number
--   Item Subtotal
--   Item Subtotal Tax
--   Item Total
--   Tax Exemption Applied
--   Tax Exemption Type
--   Exemption Opt-Out
--   Buyer Name = empty
--   Currency
--   Group Name = empty
SELECT {point},
       p.properties->'ordered',
       p.properties->'pdk_hashed_order_id',
       coalesce(p.properties->'item', '"(Unknown Item - ASIN Not Available)"'),
       p.properties->'category',
       p.properties->'asin',
       p.properties->'unspc_code',
       p.properties->'website',
       p.properties->'released',
       p.properties->'condition',
       p.properties->'seller',
       p.properties->'seller_credentials',
       p.properties->'list_price',
       p.properties->'purchase_price',
       p.properties->'quantity',
       p.properties->'shipped',
       p.properties->'zipcode',
       p.properties->'status',
       p.properties->'carrier_name',
       p.properties->'purchase_subtotal',
       p.properties->'purchase_tax',
       p.properties->'purchase_total',
       p.properties->'tax_exemption_applied',
       p.properties->'tax_exemption_type',
       p.properties->'exemption_opt_out',
       p.properties->'currency'
  FROM {points} p
