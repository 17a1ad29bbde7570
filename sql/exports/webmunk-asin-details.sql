-- SPDX-License-Identifier: Apache-2.0
-- title: Webmunk: ASIN details
-- generators:
-- packaging: file
-- order: own
-- files: asin_files
-- columns:
--   ASIN = text
--   Type
--   Brand = text
--   Manufacturer
--   Size
--   Seller = text
--   Title
--   Root Category
--   Category Tree = text
--   Category Tree IDs = text
--   Date Added = instant L
--   Date Updated = instant L
--   Data URL = text
--   File Path = text
-- The whole catalogue; what the scan once kept in it as its mark is a time and no item.  The first
-- part of Data URL is the server of url in [site] of webmunkd.conf, as it was when the export began; without it nothing.
SELECT a.id, NULL, NULL, NULL, NULL,
       a.asin,
       k.first->'type',
       coalesce(a.brand, k.first->>'brand'),
       k.first->'manufacturer',
       k.first->'size',
       -- The history is pairs of time and seller; -1 is none, -2 unknown.
       coalesce((SELECT h.seller
                   FROM jsonb_array_elements_text(CASE jsonb_typeof(k.first->'buyBoxSellerIdHistory')
                            WHEN 'array' THEN k.first->'buyBoxSellerIdHistory' ELSE '[]' END)
                        WITH ORDINALITY h(seller, place)
                  WHERE h.place % 2 = 0 AND h.seller NOT IN ('-1', '-2')
                  ORDER BY h.place DESC LIMIT 1),
                k.first->'stats'->>'buyBoxSellerId', k.first->>'sellerIds', k.first->>'buyBoxSellerId'),
       k.first->'title',
       k.first->'rootCategory',
       t.names,
       t.ids,
       a.added,
       a.updated,
       CASE WHEN a.asin = '' THEN '(No URL - missing ASIN)'
            ELSE current_setting('webmunk.site') || '/support/asin/'
                 || CASE WHEN a.asin ~ '^[A-Za-z0-9]+$' THEN a.asin
                         ELSE (SELECT string_agg(CASE WHEN c.letter ~ '[A-Za-z0-9_.~/-]' THEN c.letter
                                                      ELSE upper(regexp_replace(encode(convert_to(c.letter, 'UTF8'), 'hex'),
                                                                                '(..)', '%\1', 'g')) END,
                                                 '' ORDER BY c.place)
                                 FROM regexp_split_to_table(a.asin, '') WITH ORDINALITY c(letter, place)) END
                 || '.json' END,
       CASE WHEN a.asin ~ '^[A-Z0-9]{10}$' AND a.metadata IS NOT NULL
            THEN left(a.asin, 4) || '/' || a.asin || '.json' END
  FROM asin_item a
 CROSS JOIN LATERAL
       (SELECT CASE jsonb_typeof(a.metadata->'keepa') WHEN 'array' THEN a.metadata->'keepa' ELSE '[]' END) l(list)
 CROSS JOIN LATERAL (SELECT l.list->0) k(first)
 CROSS JOIN LATERAL
       (SELECT string_agg(c.category->>'name', ' > ' ORDER BY e.place, c.place),
               string_agg(c.category->>'catId', ' > ' ORDER BY e.place, c.place)
          FROM jsonb_array_elements(l.list) WITH ORDINALITY e(item, place)
         CROSS JOIN LATERAL
               jsonb_array_elements(CASE jsonb_typeof(e.item->'categoryTree')
                                    WHEN 'array' THEN e.item->'categoryTree' ELSE '[]' END)
               WITH ORDINALITY c(category, place)) t(names, ids)
 WHERE a.asin !~ '^\d{4}-\d\d-\d\dT'
 ORDER BY a.id
